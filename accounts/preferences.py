"""How a reader likes the site: theme in a cookie, language in a cookie and on the account."""

THEME_COOKIE = "theme"
THEMES = ("system", "light", "dark")
COOKIE_AGE_S = 60 * 60 * 24 * 365
