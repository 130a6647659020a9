"""What the browser tests drive: a microphone, a browser, servers, proxies, and the page."""
