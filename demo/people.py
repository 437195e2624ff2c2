"""The two signers: where each keeps what, and how each runs ``fourseal``."""

from __future__ import annotations

from dataclasses import dataclass, field

from demo.show import Show
from demo.stage import Outcome, Stage


@dataclass(slots=True)
class Signer:
    """A person with an agent of their own.

    Args:
        name: of the agent and of its folder, in small letters.
        passphrase: of the key store. A person would type it; the demo puts it into a file.
        stage: where the folder is.
        show: where commands are shown.
    """

    name: str
    passphrase: str = field(repr=False)
    stage: Stage
    show: Show

    def __post_init__(self) -> None:
        (self.stage.folder / self._passphrase_file).write_text(self.passphrase, encoding="utf-8")

    @property
    def public_key(self) -> str:
        """File with the joint public key for signatures, PEM."""
        return f"{self.name}.pem"

    @property
    def signature(self) -> str:
        """File with the signature of the contract."""
        return f"contract.pdf.{self.name}.sig"

    def fourseal(self, *arguments: str, live: bool = False) -> str:
        """Run ``fourseal`` as this person and show it; it has to succeed.

        Args:
            arguments: of the command.
            live: let it show its own progress on a terminal.

        Returns:
            What it printed.
        """
        command = ["fourseal", *arguments]
        self.show.command(command, who=self.name)
        return self.stage.must(command, self._environment, live=live)

    def robbed(self, *arguments: str) -> Outcome:
        """Run ``fourseal`` as a thief with this person's folder and passphrase, and return what came of it."""
        command = ["fourseal", *arguments]
        self.show.command(command, who="thief")
        return self.stage.run(command, self._environment)

    @property
    def _passphrase_file(self) -> str:
        return f"{self.name}.passphrase"

    @property
    def _environment(self) -> dict[str, str]:
        folder = self.stage.folder
        return {
            "FOURSEAL_HOME": str(folder / self.name),
            "FOURSEAL_PASSPHRASE_FILE": str(folder / self._passphrase_file),
        }
