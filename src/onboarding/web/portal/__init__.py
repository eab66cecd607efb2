"""The portal: server-rendered pages for vendors and operators, on top of the functions of the API.

`app` combines API and pages. Pages take their data from the functions that the API routes call, so that both show the
same; scripts in the browser (uploads, progress) call the API itself.

`pages` renders templates and escapes all values; `forms` reads form fields; `entrance` signs in and out;
`desk_of_vendor` is the home page with the upload form; `uploads` shows the history and one upload; `keys` and `webhook`
are for the programs of a vendor; `operator`, `vendors`, `categories`, `trouble` and `actions` are for operators;
`charts` draws SVG; `files` serves styles and scripts.
"""
