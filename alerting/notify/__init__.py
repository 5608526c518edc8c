"""Ways to reach a person. One file each: behaviour and its own Config.

contract    Notifier, Message and the errors a notifier raises
plugin      what a line of the catalog holds
catalog     key in notify.yml -> notifier
pagerduty   Events API v2: trigger, resolve, a dedup key per incident
slack       web API or incoming webhook
slack_api   one living message per incident
slack_text  the words in Slack's mrkdwn, escaped
email       SMTP, by apprise
email_html  the mail as HTML, escaped
apprise     every other service that apprise knows
webhook     JSON to an address of your own: ours, Alertmanager's, or by a template; signed
action      a call when an incident opens or ends, limited in how often
endpoint    JSON to one address; sorts its answers into taken, later and never
courier     carries one message through apprise; sorts what became of it likewise
payload     a message as plain data, for webhooks and templates
wording     a receiver's own template for its texts
render      the plain words of a message
"""
