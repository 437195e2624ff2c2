"""Contract sessions: made, joined, changed, closed. Every session that comes back was verified (``verification``)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fourseal.v1 import contract_session_pb2
from fourseal.v1 import contract_session_service_pb2 as pb

from contract.names import check_account_name, check_place, check_session_id, check_subject
from contract.session_info import Scheme
from signer_agent.contracts.model import SessionSummary, VerifiedSession
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.verification import summary_of
from signer_agent.requests import checked_page_size
from wire.catalogue import ServiceError
from wire.client.blame import server_lied
from wire.client.paging import all_pages
from wire.convert import timestamp_of
from wire.ids import new_request_id
from wire.limits import MAX_DEADLINE_SECONDS

_SCHEMES: Final = {
    Scheme.JOINT: contract_session_pb2.SESSION_SCHEME_JOINT,
    Scheme.SEPARATE: contract_session_pb2.SESSION_SCHEME_SEPARATE,
}


class Sessions:
    """The sessions of an account. Every method raises FoursealError, as ``Signer.session`` and what is said.

    ``request_id`` is chosen once for a call; a repeat with the same changes nothing more. By default it is fresh.

    Args:
        signer: the account.
    """

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._rpc = signer.line.sessions

    async def create(
        self,
        subject: str,
        invited: Sequence[str],
        end: datetime,
        *,
        begin: datetime | None = None,
        place: str = "",
        scheme: Scheme = Scheme.JOINT,
        all_is_evidence: bool = False,
        request_id: str | None = None,
    ) -> VerifiedSession:
        """Make a session, and join it. Takes seconds.

        Args:
            subject: 1 to 200 characters.
            invited: account names, 1 to 49.
            end: until when it can be signed; aware, whole seconds.
            begin: from when on; now if None.
            place: the meeting link, a URI, or empty.
            scheme: joint or separate.
            all_is_evidence: the session's rule that every message of it is deposited before it is delivered.
            request_id: see the class.
        """
        wanted = (check_subject(subject), check_place(place), sorted(map(check_account_name, set(invited))))
        request = pb.CreateSessionRequest(
            request_id=request_id or new_request_id(),
            subject=subject,
            place=place,
            begin_time=timestamp_of(begin) if begin else None,
            end_time=timestamp_of(end),
            invited=wanted[2],
            scheme=_SCHEMES[scheme],
            all_is_evidence=all_is_evidence,
        )
        answer = await self._signer.call(self._rpc.CreateSession, request, seconds=MAX_DEADLINE_SECONDS)
        session = await self._signer.verified(answer.session)
        info = session.info
        people = sorted({*info.invited, *session.members} - {self._signer.name})
        made = (info.subject, info.place, people, info.scheme, info.all_is_evidence, info.creator, info.end)
        if made != (*wanted, scheme, all_is_evidence, self._signer.name, end) or (begin and info.begin != begin):
            raise server_lied("SESSION_FACTS_CHANGED", "it made another session than was asked for")
        return session

    async def invite(self, session_id: str, names: Sequence[str], *, request_id: str | None = None) -> VerifiedSession:
        """Invite others. Its creator alone, while it is open."""
        request = pb.InviteMembersRequest(
            request_id=request_id or new_request_id(),
            session_id=check_session_id(session_id),
            names=sorted(map(check_account_name, set(names))),
        )
        answer = await self._signer.call(self._rpc.InviteMembers, request)
        return await self._signer.verified(answer.session, session_id)

    async def join(self, session_id: str, *, request_id: str | None = None) -> VerifiedSession:
        """Join, with our active certificates. Verifies before that whom one will meet.

        Raises MEMBER_REVOKED: the certificates of a member were revoked.
        """
        session = await self._signer.session(session_id, refresh=True)
        for name, member in session.members.items():
            if member.revoke_time is not None:
                raise ServiceError("MEMBER_REVOKED", name=name)
        request = pb.JoinSessionRequest(request_id=request_id or new_request_id(), session_id=session_id)
        answer = await self._signer.call(self._rpc.JoinSession, request)
        joined = await self._signer.verified(answer.session, session_id)
        mine = joined.member(self._signer.name)
        ours = (self._signer.sign_certificate, self._signer.encrypt_certificate)
        if (mine.sign_certificate, mine.encrypt_certificate) != ours:
            raise server_lied("MEMBER_CERTIFICATE_WRONG", "it let us join with other certificates")
        return joined

    async def leave(self, session_id: str, *, request_id: str | None = None) -> None:
        """Leave, for good unless invited again."""
        request = pb.LeaveSessionRequest(
            request_id=request_id or new_request_id(), session_id=check_session_id(session_id)
        )
        await self._signer.call(self._rpc.LeaveSession, request)

    async def remove(self, session_id: str, name: str, *, request_id: str | None = None) -> VerifiedSession:
        """Make somebody leave. Its creator alone."""
        request = pb.RemoveMemberRequest(
            request_id=request_id or new_request_id(),
            session_id=check_session_id(session_id),
            name=check_account_name(name),
        )
        answer = await self._signer.call(self._rpc.RemoveMember, request)
        return await self._signer.verified(answer.session, session_id)

    async def close(self, session_id: str, *, request_id: str | None = None) -> VerifiedSession:
        """Close it: its signing share is destroyed, nothing can be signed any more. Its creator alone."""
        request = pb.CloseSessionRequest(
            request_id=request_id or new_request_id(), session_id=check_session_id(session_id)
        )
        answer = await self._signer.call(self._rpc.CloseSession, request)
        return await self._signer.verified(answer.session, session_id)

    async def list_page(self, page_size: int = 0, page_token: str = "") -> tuple[list[SessionSummary], str]:
        """Sessions that we were invited to, as ``list`` has them, and the token of the next page, empty at the end."""
        request = pb.ListSessionsRequest(page_size=checked_page_size(page_size), page_token=page_token)
        answer = await self._signer.call(self._rpc.ListSessions, request)
        return list(map(summary_of, answer.sessions)), answer.next_page_token

    async def list(self) -> list[SessionSummary]:
        """The sessions that we were invited to, newest first, as the server says: not verified."""
        return await all_pages(lambda token: self.list_page(page_token=token))
