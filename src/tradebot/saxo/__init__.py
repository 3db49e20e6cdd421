"""The broker: Saxo Bank's OpenAPI, its tokens, its limits and its answers, all of them typed."""
