"""The REST API and whatever else speaks HTTP: who asks, what they may see, and the answers.

The way of a request: `guards` (host, headers, the log line), `who` (key or session to a principal), the route, and in it
`pool`, which runs work on PostgreSQL as that principal. What goes wrong becomes a problem document (`problems`).

How to add pages (the portal):

1. Write a module with `router = APIRouter(include_in_schema=False)` and plain `def` routes, and give the router to
   `app.create_app` among its `pages`. Pages are not part of the API's description.
2. A page for vendors takes `principal: who.VendorHere`, one for operators `principal: who.OperatorHere`, one for either
   `principal: who.SignedIn`, all of them from `who.Caller`. Whoever is not signed in gets a 401 problem; a page that would
   rather send them to the sign-in asks for `principal: who.Visitor`, which may be None.
3. Data comes from the same functions that the routes call, such as `history.upload_of(pool, principal, upload_id)`, with
   `pool: Desk` among the route's parameters (`pool.DeskHere`).
4. A form that changes something has a hidden field `csrf_token`, a script sends the header `X-CSRF-Token`. Both hold
   `principal.csrf_token`, to be put into the page, such as in a `<meta>`. Requests with a key need none.
5. The policy for content (`guards.policy`) allows own files alone: no inline script or style, no third party. The
   upload form posts to the bucket, whose origin is in the policy already.
6. The mailed link leads to `GET /sign-in/{token}`: a page whose button posts to the same address, which calls
   `signin.begin`: that uses the link up and sets the cookie.
"""
