"""The routes, one noun a module: read the request, call a service, answer."""
