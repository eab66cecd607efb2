"""Mappings of an upload: those that apply to its file, loaded before the file is parsed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.mappings import NO_CHOICE, NO_MAPPING, MappingChoice, MappingDocument, SavedMapping
from onboarding.domain.models import FileRejection
from onboarding.domain.value_mapping import ValueTargets, build_targets
from onboarding.files.models import one_line
from onboarding.storage.database import Connection
from onboarding.storage.mappings import AppliedMapping, find_mapping, load_mappings
from onboarding.storage.value_mappings import load_value_mappings

INLINE_ID = "INLINE"
"""Id of a mapping that is not stored, in a dry run."""


def _find_nothing(_: str) -> SavedMapping | None:
    return None


@dataclass(frozen=True, slots=True)
class UploadMappings:
    """Mappings of an upload: the choice for its header, and the translations of its values.

    `find` returns the mapping that a fix file names, or None.
    """

    choice: MappingChoice = NO_CHOICE
    targets: ValueTargets = field(default_factory=dict)
    find: Callable[[str], SavedMapping | None] = _find_nothing

    def follow_fix_file(self, reference: str) -> UploadMappings:
        """Return the mappings of a fix file that names the mapping of its upload, or `NO_MAPPING`."""
        if reference.casefold() == NO_MAPPING:
            return NO_MAPPINGS
        return replace(self, choice=MappingChoice(self.find(reference), self.choice.by_headers))


NO_MAPPINGS = UploadMappings()


def use_applied_mapping(applied: AppliedMapping) -> UploadMappings:
    """Return the mappings that an upload used when it was opened, so that a repeated event reads the same rows."""
    return UploadMappings(MappingChoice(applied.mapping), build_targets(applied.used_values))


def use_document(document: MappingDocument, targets: ValueTargets) -> UploadMappings:
    """Return the mappings of a dry run with a document that is not stored."""
    return UploadMappings(MappingChoice(SavedMapping(INLINE_ID, 0, document)), targets)


def load_upload_mappings(connection: Connection, vendor_id: str, option: str | None) -> UploadMappings | FileRejection:
    """Return the mappings of a new upload with this option `mapping`, or the rejection of an unknown one."""
    if option is not None and option.casefold() == NO_MAPPING:
        return NO_MAPPINGS
    targets = load_value_mappings(connection, vendor_id)
    if option is not None:
        mapping = find_mapping(connection, vendor_id, option)
        if mapping is None:
            return FileRejection(
                RejectionCode.INVALID_OPTION,
                f"There is no mapping '{one_line(option)}'. Use the name of one of your mappings, or upload the file "
                f"without the option 'mapping'; '{NO_MAPPING}' switches mappings off",
            )
        return UploadMappings(MappingChoice(mapping), targets)
    choice = MappingChoice(by_headers=load_mappings(connection, vendor_id), follows_fix_file=True)
    return UploadMappings(choice, targets)
