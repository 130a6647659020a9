"""Tools of the browser tests: a microphone, a browser, servers, proxies, and the page."""
