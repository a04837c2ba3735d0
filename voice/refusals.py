"""Why the service refuses to serve at all, by the code of its ``error`` event, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REMEDIES: Final[Mapping[str, str]] = {
    "invalid_api_key": "the service does not know this key: check OPENAI_API_KEY",
    "insufficient_quota": "the account has no credit left: add some at the service's billing page",
    "billing_hard_limit_reached": "the account's spending limit is reached: raise it at the service's billing page",
    "account_deactivated": "the service has closed this account: ask its support",
    "model_not_found": "the service has no such model for this account: choose another with --model",
    "invalid_model": "the service has no such model for conversations: choose another with --model",
    "missing_model": "the service wants a model: name one with --model",
    "beta_api_shape_disabled": "the service no longer speaks the beta dialect: leave out --dialect",
}
"""Errors after which trying again does not help."""
