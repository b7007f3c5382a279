"""A cloud of what a spec can choose beside the defaults: two of each where there can be two."""

HERE, THERE = "fast", "archive"
"""Its two backends of volumes."""
SPEC = f"""\
name: two
platform:
  exclude: [dashboard]
  listen: {{tls: true}}
  security: {{lockout_attempts: 3, password_length: 12, password_mixed: true}}
  load_balancing: {{providers: [haproxy, ovn]}}
  volumes: {{backends: [{{name: {HERE}}}, {{name: {THERE}}}]}}
"""
