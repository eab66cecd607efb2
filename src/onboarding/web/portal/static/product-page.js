// The page of a product: the link to the list, suggestions beside the fields of its form, and the progress of an edit.

import { followEdit } from "./catalog-update.js";

const LIST_KEY = "product-list";

linkList();
connectForm();
followEdit(connectForm);

// Lead back to the list that the user came from, with its search, filters and page. The address is remembered because
// each change of the product loads this page again.
function linkList() {
  const referrer = new URL(document.referrer || "/", window.location.origin);
  const isOwn = referrer.origin === window.location.origin;
  if (isOwn && referrer.pathname === "/products") {
    for (const name of ["edit", "notice"]) referrer.searchParams.delete(name);
    sessionStorage.setItem(LIST_KEY, referrer.pathname + referrer.search);
  } else if (!isOwn || !/^(\/operator)?\/products\//.test(referrer.pathname)) {
    sessionStorage.removeItem(LIST_KEY);
  }
  document.querySelector(".breadcrumb a").href = sessionStorage.getItem(LIST_KEY) ?? "/products";
}

function connectForm() {
  for (const button of document.querySelectorAll("button[data-fill]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const input = document.getElementById(button.dataset.fill);
      input.value = button.dataset.value;
      input.removeAttribute("aria-invalid");
      input.focus();
      button.hidden = true;
    });
  }
  const error = document.querySelector("main [aria-invalid]") ?? document.querySelector("#edit-result[role=alert]");
  error?.focus();
}
