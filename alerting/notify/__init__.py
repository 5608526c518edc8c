"""Ways to reach a person. One file each: behaviour and its own Config.

contract    Notifier, Message and the errors a notifier raises
plugin      what a line of the catalog holds
catalog     key in notify.yml -> notifier
pagerduty   Events API v2: trigger, resolve, a dedup key per incident
slack       incoming webhook
email       SMTP, by apprise
apprise     every other service that apprise knows
endpoint    JSON to one address; sorts its answers into taken, later and never
courier     carries one message through apprise; sorts what became of it likewise
render      the plain words of a message
"""
