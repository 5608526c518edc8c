"""Key in notify.yml -> notifier. A new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from alerting.notify import action, email, pagerduty, slack, webhook
from alerting.notify.action import Action, ActionConfig
from alerting.notify.apprise import Apprise, AppriseConfig
from alerting.notify.email import Email, EmailConfig
from alerting.notify.pagerduty import PagerDuty, PagerDutyConfig
from alerting.notify.plugin import Manner, Plugin
from alerting.notify.slack import SlackConfig
from alerting.notify.webhook import Webhook, WebhookConfig

NOTIFIERS: Mapping[str, Plugin[Any]] = MappingProxyType(
    {
        "pagerduty": Plugin(PagerDutyConfig, PagerDuty, pagerduty.preview, lambda _config: Manner.HOLDS),
        "slack": Plugin(SlackConfig, slack.build, slack.preview, lambda _config: Manner.TELLS),
        "email": Plugin(EmailConfig, Email, email.preview),
        "apprise": Plugin(AppriseConfig, Apprise),
        "webhook": Plugin(WebhookConfig, Webhook, webhook.preview, webhook.manner),
        "action": Plugin(ActionConfig, Action, action.preview),
    }
)
