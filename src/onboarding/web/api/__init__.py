"""The REST API: authentication, routes and responses.

A request passes `guards` (host, headers, log), `who` (API key or session → `Principal`) and the route, which runs
database work through `pool` with the rights of the principal. Errors become problem documents (`problems`).

To add pages, as the portal does:

1. Write a module with `router = APIRouter(include_in_schema=False)` and plain `def` routes, and pass the router to
   `app.create_app` as one of its `pages`.
2. A page for vendors takes `principal: who.CurrentVendor`, one for operators `who.CurrentOperator`, one for both
   `who.CurrentPrincipal`; without credentials they answer with a 401 problem. `who.OptionalPrincipal` may be None.
3. Take data from the functions that the API routes call, such as `history.get_visible_upload`, in one
   `principal.run(pool, work)`, with `pool: pool.PoolDep`.
4. A form that changes something has a hidden field `csrf_token`; a script sends the header `X-CSRF-Token`. Both have
   the value `principal.csrf_token`. Requests with an API key need neither.
5. The Content-Security-Policy (`guards.policy`) permits own files only: no inline scripts or styles, no third party.
6. The e-mailed link leads to `GET /sign-in/{token}`: a page whose button posts to the same address, which calls
   `signin.begin`: it uses the link and sets the cookie.
"""
