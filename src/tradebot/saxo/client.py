"""The broker as the rest of the bot sees it: one method per endpoint, typed answers.

Common to all reads: raises LoginError (401), RequestRefused (other 4xx), RateLimited (429),
BrokerUnavailable (5xx, no connection), BadAnswer (a wrong shape), Terminated (asked to stop during
a wait), StorageError (the token file). Reads are repeated a few times; nothing else ever is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from tradebot.clock import Clock
from tradebot.errors import (
    BrokerUnavailable,
    LoginError,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    RequestRefused,
    StorageError,
)
from tradebot.model import InstrumentId
from tradebot.saxo.api import Api, Tokens, new_request_id
from tradebot.saxo.exchange import ORDERS_PATH, PRECHECK_PATH, Query, Request, Response, path_of
from tradebot.saxo.messages import (
    Account,
    Balance,
    Chart,
    ClientInfo,
    ClosedPosition,
    NetPosition,
    OpenOrder,
    Position,
    User,
)
from tradebot.saxo.orders import (
    CancelAnswer,
    OrderAnswer,
    OrderRequest,
    PrecheckAnswer,
    read_cancel_answer,
    read_order_answer,
    read_precheck_answer,
)
from tradebot.saxo.prices import InfoPrices, info_prices
from tradebot.saxo.reference_messages import (
    Disclaimer,
    InstrumentDetails,
    InstrumentSummary,
    OrderActivity,
    Session,
    TradingSessions,
)
from tradebot.saxo.retry import RetryPolicy
from tradebot.saxo.transport import AnswerLost, Transport

MAX_CHART_BARS = 1200
"""Documented in Saxo's reference for chart/v3/charts."""
_CHUNK = 100


class SaxoClient:
    """One login's view of the broker."""

    def __init__(
        self,
        transport: Transport,
        token_source: Tokens,
        clock: Clock,
        *,
        policy: RetryPolicy | None = None,
    ) -> None:
        self._transport = transport
        self._tokens = token_source
        self._clock = clock
        self._api = Api(transport, token_source, clock, policy or RetryPolicy())

    @property
    def http_calls(self) -> int:
        """Requests sent so far, token requests included."""
        return self._transport.http_calls

    @property
    def server_time_offset(self) -> float | None:
        """Our clock minus the broker's, in seconds; None before the first answer."""
        return self._transport.server_time_offset

    @property
    def time_left(self) -> Callable[[], float] | None:
        """The run's deadline, in seconds from now: set it to bound waits and reads."""
        return self._transport.time_left

    @time_left.setter
    def time_left(self, value: Callable[[], float] | None) -> None:
        self._transport.time_left = value

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Inside, waits and reads keep to so many seconds, and to the run's deadline as before."""
        outer = self.time_left
        end = self._clock.monotonic() + seconds

        def left() -> float:
            own = end - self._clock.monotonic()
            return own if outer is None else min(own, outer())

        self.time_left = left
        try:
            yield
        finally:
            self.time_left = outer

    def close(self) -> None:
        self._transport.close()

    # -- portfolio -----------------------------------------------------------------------------

    def user(self) -> User:
        return self._api.get("/port/v1/users/me", (), User)

    def client(self) -> ClientInfo:
        return self._api.get("/port/v1/clients/me", (), ClientInfo)

    def accounts(self) -> tuple[Account, ...]:
        return self._api.rows("/port/v1/accounts/me", (), Account)

    def balance(self, client_key: str, account_key: str) -> Balance:
        query = (("ClientKey", client_key), ("AccountKey", account_key))
        return self._api.get("/port/v1/balances", query, Balance)

    def positions(self) -> tuple[Position, ...]:
        """All of the client's open positions, of every account."""
        query = (("FieldGroups", "PositionBase,PositionView,DisplayAndFormat"),)
        return self._api.rows("/port/v1/positions/me", query, Position)

    def net_positions(self) -> tuple[NetPosition, ...]:
        query = (("FieldGroups", "NetPositionBase,NetPositionView,DisplayAndFormat"),)
        return self._api.rows("/port/v1/netpositions/me", query, NetPosition)

    def open_orders(self, status: str = "All") -> tuple[OpenOrder, ...]:
        """Orders that are still open; filled, cancelled and rejected ones vanish from here.

        There is no filter by ExternalReference: match it in the rows.
        """
        return self._api.rows("/port/v1/orders/me", (("Status", status),), OpenOrder)

    def closed_positions(self) -> tuple[ClosedPosition, ...]:
        return self._api.rows("/port/v1/closedpositions/me", (), ClosedPosition)

    # -- prices --------------------------------------------------------------------------------

    def info_prices(
        self, asset_type: str, uics: Iterable[int], account_key: str | None = None
    ) -> InfoPrices:
        """Quotes of instruments of one asset type, and the Uics that the broker left out.

        Raises as every read, but not for instruments that the broker refuses: those are missing.
        """
        return info_prices(self._api, asset_type, uics, account_key)

    def chart(
        self,
        instrument: InstrumentId,
        horizon_minutes: int,
        count: int,
        *,
        time: datetime | None = None,
        mode: str | None = None,
    ) -> Chart:
        """Up to `count` (at most 1200) bars, oldest first; the last may still be forming.

        `mode` is `UpTo` (default) or `From` the `time`, which is included either way. Illiquid
        instruments have fewer bars than asked for.
        """
        query: Query = (
            ("Uic", str(instrument.uic)),
            ("AssetType", instrument.asset_type),
            ("Horizon", str(horizon_minutes)),
            ("Count", str(min(count, MAX_CHART_BARS))),
            ("FieldGroups", "ChartInfo,Data"),
        )
        if time is not None:
            query += (("Mode", mode or "UpTo"), ("Time", _timestamp(time)))
        return self._api.get("/chart/v3/charts", query, Chart)

    # -- reference -----------------------------------------------------------------------------

    def search_instruments(
        self, keywords: str, asset_types: Sequence[str]
    ) -> tuple[InstrumentSummary, ...]:
        """Tradable instruments matching the words; fuzzy, so compare symbols yourself."""
        query = (("Keywords", keywords), ("AssetTypes", ",".join(asset_types)), ("$top", "100"))
        return self._api.rows("/ref/v1/instruments", query, InstrumentSummary)

    def instrument_details(
        self, instruments: Iterable[InstrumentId]
    ) -> dict[InstrumentId, InstrumentDetails]:
        """Details of those instruments that exist; the others are not in the result."""
        wanted = list(dict.fromkeys(instruments))
        found: dict[InstrumentId, InstrumentDetails] = {}
        for start in range(0, len(wanted), _CHUNK):
            for details in self._details(wanted[start : start + _CHUNK]):
                found[details.instrument] = details
        return {instrument: found[instrument] for instrument in wanted if instrument in found}

    def _details(self, chunk: Sequence[InstrumentId]) -> tuple[InstrumentDetails, ...]:
        query = (
            ("Uics", ",".join(str(uic) for uic in dict.fromkeys(i.uic for i in chunk))),
            ("AssetTypes", ",".join(dict.fromkeys(i.asset_type for i in chunk))),
            ("FieldGroups", "OrderSetting,SupportedOrderTypeSettings,TradingSessions"),
        )
        try:
            return self._api.rows("/ref/v1/instruments/details", query, InstrumentDetails)
        except RequestRefused as error:
            if error.status == 404:  # none of them exists with its asset type
                return ()
            raise

    def trading_schedule(self, instrument: InstrumentId) -> tuple[Session, ...]:
        """The exchange's sessions of about this and the next trading day, in UTC.

        Raises RequestRefused (404) for a Uic that does not exist under its asset type.
        """
        path = path_of(
            "ref", "v1", "instruments", "tradingschedule", instrument.uic, instrument.asset_type
        )
        return self._api.get(path, (), TradingSessions).sessions

    # -- orders --------------------------------------------------------------------------------

    def precheck(self, order: OrderRequest) -> PrecheckAnswer:
        """Ask what the broker would say to `order`; nothing is placed or reserved.

        Sent once, under an X-Request-ID of its own (prechecks are under duplicate detection too).
        Raises NotSent and other BrokerUnavailable (5xx, lost answers), RateLimited, LoginError,
        BadAnswer; a 4xx otherwise is an answer that is not ok.
        """
        body = order.body(FieldGroups=["Costs", "MarginImpactBuySell"])
        request = Request("POST", PRECHECK_PATH, body=body, request_id=new_request_id())
        response = self._api.send_once(request)
        if response.status in (401, 429) or not 200 <= response.status < 500:
            self._api.check(response)
        return read_precheck_answer(response)

    def prepare_order(self) -> None:
        """Do now what placing an order might have to wait for: the token and the rate limit.

        After it, `place_order` writes its first byte without delay. Raises as a read.
        """
        self._tokens.access_token()
        self._transport.budget.wait_before(
            "trade", is_order=True, time_left=self._transport.time_left
        )

    def place_order(
        self,
        order: OrderRequest,
        *,
        request_id: str,
        last_check: Callable[[], None] | None = None,
    ) -> OrderAnswer:
        """Send `order` once. Every answer from 200 to 499 is returned, whatever it says.

        `last_check` is called right before the first byte of each sending; what it raises keeps
        the order from being sent, and comes out of here.

        After a 401 the token is refreshed and the same request replayed once, with the same
        `request_id`; a second 401, or a failed refresh, returns the 401. Raises NotSent,
        LoginError, GuardViolation, Terminated and StorageError with nothing sent; OutcomeUnknown
        for everything that leaves it open whether an order exists.
        """
        request = Request("POST", ORDERS_PATH, body=order.body(), request_id=request_id)
        return read_order_answer(self._send_change(request, last_check))

    def cancel_orders(self, order_ids: Sequence[str], account_key: str) -> tuple[CancelAnswer, ...]:
        """Cancel orders of one account; one answer per order. Raises as `place_order`."""
        path = path_of("trade", "v2", "orders", ",".join(order_ids))
        request = Request("DELETE", path, (("AccountKey", account_key),))
        return read_cancel_answer(self._send_change(request))

    def _send_change(
        self, request: Request, last_check: Callable[[], None] | None = None
    ) -> Response:
        """Send what changes something, and sort what goes wrong by whether anything was sent."""
        try:
            token = self._tokens.access_token()
        except BrokerUnavailable as error:
            raise _not_sent(request, error) from error
        response = self._send_with(request, token, last_check)
        if response.status == 401:
            response = self._replay(request, token, response, last_check)
        if not 200 <= response.status < 500:
            raise _unknown(request, f"answered {response.status}", response.status)
        return response

    def _send_with(
        self, request: Request, token: str, last_check: Callable[[], None] | None
    ) -> Response:
        authorised = request.with_authorization(f"Bearer {token}")
        try:
            return self._transport.send(authorised, last_check=last_check)
        except AnswerLost as error:
            raise _unknown(request, str(error), error.status) from error
        except NotSent:
            raise
        except RateLimited as error:  # raised before sending: a 429 is an answer
            raise _not_sent(request, error) from error

    def _replay(
        self,
        request: Request,
        token: str,
        refusal: Response,
        last_check: Callable[[], None] | None,
    ) -> Response:
        """Once more with a new token. A 401 was not processed, so that alone is no risk.

        Raises NotSent when the replay could not be sent: nothing exists then, and the refusal
        was the old token's.
        """
        try:
            token = self._tokens.refresh_after_401(token)
        except (LoginError, StorageError):
            return refusal  # of a login that is lost: there is no other token to be had
        except BrokerUnavailable as error:
            raise _not_sent(request, error) from error
        return self._send_with(request, token, last_check)

    # -- disclaimers ---------------------------------------------------------------------------

    def disclaimers(self, tokens: Sequence[str]) -> tuple[Disclaimer, ...]:
        """The texts and conditions behind the tokens of a precheck or placement."""
        query = tuple(("DisclaimerTokens", token) for token in tokens)
        return self._api.rows("/dm/v2/disclaimers", query, Disclaimer)

    def answer_disclaimer(
        self, context: str, token: str, response_type: str, user_input: str | None = None
    ) -> None:
        """Answer one disclaimer: `Accepted`, `Dismissed` … Sent once; any 2xx is success.

        Raises GuardViolation in a dry run, NotSent, OutcomeUnknown, and as a read for a refusal.
        """
        fields = {
            "DisclaimerContext": context,
            "DisclaimerToken": token,
            "ResponseType": response_type,
        }
        if user_input is not None:
            fields["UserInput"] = user_input
        request = Request("POST", "/dm/v2/disclaimers", body=msgspec.json.encode(fields))
        self._api.check(self._send_change(request))

    # -- audit ---------------------------------------------------------------------------------

    def order_activities(
        self,
        client_key: str,
        *,
        since: datetime,
        account_key: str | None = None,
        order_id: str | None = None,
    ) -> tuple[OrderActivity, ...]:
        """The audit log's rows from `since` on, from all pages: what became of every order.

        Documented in Saxo's learn/audit-orderactivities. There is no filter by
        ExternalReference: match it in the rows. Rows appear with some delay.
        """
        query: Query = (
            ("ClientKey", client_key),
            ("FromDateTime", _timestamp(since)),
            ("EntryType", "All"),
        )
        if account_key is not None:
            query += (("AccountKey", account_key),)
        if order_id is not None:
            query += (("OrderId", order_id),)
        return self._api.rows("/cs/v1/audit/orderactivities", query, OrderActivity)


def _unknown(request: Request, what: str, status: int | None) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{request.endpoint}: {what}; it may or may not have been carried out",
        endpoint=request.endpoint,
        status=status,
    )


def _not_sent(request: Request, error: BrokerUnavailable) -> NotSent:
    return NotSent(f"{request.endpoint} was not sent: {error}", endpoint=request.endpoint)


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
