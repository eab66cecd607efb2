"""The portal: server-rendered pages for vendors and operators, one module per page.

Pages take their data from the functions that the API routes call, so that both return the same; scripts in the browser
call the API itself. `rendering` renders templates and escapes all values; `forms` validates form fields; `charts` draws
SVG; `static_files` serves styles and scripts.

To add a page:

1. Write a module with `router = APIRouter(include_in_schema=False)` and plain `def` routes, and add the router to
   `PAGE_ROUTERS` in `web.app`.
2. A page for vendors takes `principal: CurrentVendor`, one for operators `CurrentOperator`, one for both
   `CurrentPrincipal`; without credentials they end with a 401 problem. `OptionalPrincipal` may be None.
3. Query its data in one `principal.run(pool, work)`, with `pool: PoolDep`.
4. A form that changes data has a hidden field `csrf_token`; a script sends the header `X-CSRF-Token`. Both have the
   value `principal.csrf_token`. Requests with an API key need neither.
5. The Content-Security-Policy permits own files only: no inline scripts or styles, no third party.
"""
