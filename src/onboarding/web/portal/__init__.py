"""The portal: pages for vendors and operators, drawn on the server, on top of the API's own functions.

`app` puts API and pages together. A route takes its data from the functions that the API's routes call, so a page never
shows what the API would not; what a browser does by script (tickets, progress) it does by the API itself.

`pages` draws templates, with every value escaped; `forms` reads what people fill in; `entrance` signs in and out;
`desk_of_vendor` takes files; `uploads` is the history and one upload; `keys` and `webhook` are for the vendors' own
programs; `operator`, `vendors`, `categories`, `trouble` and `actions` are for operators; `charts` draws SVG; `files`
serves the style and the scripts.
"""
