"""Ways to reach a person. One file each: behaviour and its own Config.

contract    Notifier, Message and the errors a notifier raises
pagerduty   Events API v2: trigger, resolve, a dedup key per incident
slack       incoming webhook
email       SMTP, by apprise
apprise     every other service that apprise knows
render      templates of rules (sandboxed Jinja2) and the plain words of a message
catalog     key in notify.yml -> notifier
"""
