"""The steps that replace a configuration set. config.json goes out first and comes in last: it is the commit point."""

from __future__ import annotations

from abc import abstractmethod

from tui.connector.configuration_set import set_findings
from tui.connector.instance import Instance
from tui.connector.layouts import set_paths
from tui.connector.model import ConfigurationSet, Layout
from tui.errors import OperatorError
from tui.findings import blockers
from tui.runbook.changes import Chosen, file_changes, is_certificate, is_config, is_profile_mapper, placed, with_config
from tui.runbook.model import Change, Evidence
from tui.runbook.steps.base import TO_DO, HostStep, stop, told
from tui.runbook.steps.put_back import before_or_parked, make_safe, put_back
from tui.sizes import told_count, told_size


class ParkConfig(HostStep):
    """Take config.json out of the way before anything else is touched."""

    name = "park-config"
    title = "Move config.json out"
    why = "a connector without it can do no harm while its certificates are replaced"

    def look(self, instance: Instance) -> Evidence:
        """Done when there is none, or when the host has exactly the first host's set."""
        now = self.work.present(instance)
        if now.data(set_paths(now.layout).config) is None:
            return Evidence(detail="there is no config.json")
        return Evidence(detail="the set is in place already") if self.work.in_line(now) else TO_DO

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """The file that is moved."""
        now = self.work.present(instance)
        config = set_paths(now.layout).config
        data = now.data(config)
        return (
            ()
            if data is None
            else (Change(action="remove", subject=config, before=f"{told_size(len(data))}, kept aside"),)
        )

    def change(self, instance: Instance) -> Evidence:
        """Move it aside; one that this run has placed is removed, as the host's own is parked already."""
        config, run = set_paths(instance.install.layout).config, self.work.context.run
        if config in instance.parked(run=run):
            instance.remove(config)
        else:
            instance.park(config, run=run)
        return Evidence(detail="moved aside, on the same file system")

    def prove(self, instance: Instance) -> Evidence:
        """It is gone, or the set was in line all along."""
        now = self.work.read(instance)
        gone = now.data(set_paths(now.layout).config) is None
        return Evidence(
            detail="there is no config.json" if gone else "config.json is there",
            done=gone or self.work.in_line(now),
        )

    def put_back(self, instance: Instance) -> Evidence:
        """Put the host's own config.json back."""
        return put_back(self.work, instance, is_config(instance.install.layout))


class _PlaceFiles(HostStep):
    """Bring some files of the first host's set to the host, whatever was there kept aside."""

    @abstractmethod
    def chosen(self, layout: Layout) -> Chosen:
        """Which files of a set this step is about."""

    @abstractmethod
    def parts(self, layout: Layout) -> tuple[str, ...]:
        """What is parked as a whole: a file or a directory."""

    def look(self, instance: Instance) -> Evidence:
        """Done when every chosen file lies in place and there is none too many."""
        now = self.work.present(instance)
        return TO_DO if self._outstanding(now, self.work.target(instance)) else Evidence(detail="in place already")

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """The files, one by one."""
        now = self.work.present(instance)
        return file_changes(now, self.work.target(instance), self.chosen(now.layout))

    def change(self, instance: Instance) -> Evidence:
        """Park what is there, make the directories, write the files."""
        target, before, run = self.work.target(instance), self.work.before(), self.work.context.run
        parked = []
        for part in self.parts(target.layout):
            ours_to_keep = before is not None and (part in before.files or part in before.directories)
            if ours_to_keep and instance.park(part, run=run):
                parked.append(f"{part} kept aside")
        written = self._write(instance, instance.read_set(), target)
        return Evidence(detail=f"{told_count(len(written), 'file')} written", lines=(*parked, *written))

    def prove(self, instance: Instance) -> Evidence:
        """Read everything back and compare bytes, owners and permissions."""
        now = self.work.read(instance)
        differing = self._outstanding(now, self.work.target(instance))
        if differing:
            return Evidence(detail=f"not as meant: {', '.join(differing)}", done=False)
        return Evidence(detail="bytes, owner and permissions are as meant")

    def put_back(self, instance: Instance) -> Evidence:
        """Put back what was there."""
        return put_back(self.work, instance, self.chosen(instance.install.layout))

    def _outstanding(self, now: ConfigurationSet, target: ConfigurationSet) -> list[str]:
        chosen = self.chosen(target.layout)
        wanted = [path for path, file in target.files.items() if chosen(path) and not placed(now.files.get(path), file)]
        surplus = [path for path in now.files if chosen(path) and path not in target.files]
        missing = [path for path in target.directories if chosen(path) and path not in now.directories]
        return sorted({*wanted, *surplus, *missing})

    def _write(self, instance: Instance, now: ConfigurationSet, target: ConfigurationSet) -> list[str]:
        chosen = self.chosen(target.layout)
        for path in now.files:
            if chosen(path) and path not in target.files:
                instance.remove(path)
        for path in sorted(filter(chosen, target.directories)):
            if path not in now.directories:
                instance.place_directory(path, target.directories[path])
        written = []
        for path, file in target.files.items():
            if chosen(path) and not placed(now.files.get(path), file):
                instance.place(file)
                written.append(f"{path}, {told_size(len(file.data))}")
        return written


class PlaceCertificates(_PlaceFiles):
    """Bring certs/ with everything below it."""

    name = "place-certificates"
    title = "Put the certificates in place"
    why = "with this key and certificate the tenant accepts the instance; without them it would publish its own"

    def chosen(self, layout: Layout) -> Chosen:
        """The certs folder."""
        return is_certificate(layout)

    def parts(self, layout: Layout) -> tuple[str, ...]:
        """The folder as a whole."""
        return (set_paths(layout).certs,)


class PlaceProfileMapper(_PlaceFiles):
    """Bring the profile mapper."""

    name = "place-profile-mapper"
    title = "Put the profile mapper in place"
    why = "users must get the same profile whichever instance answers"

    def chosen(self, layout: Layout) -> Chosen:
        """The profile mapper."""
        return is_profile_mapper(layout)

    def parts(self, layout: Layout) -> tuple[str, ...]:
        """The file."""
        return (set_paths(layout).profile_mapper,)


class CheckSet(HostStep):
    """Look at the whole set once more before the commit."""

    name = "check-set"
    title = "Check the set"
    why = "key, certificate and encrypted password belong together, and the service must be able to read them"
    only_looks = True

    def change(self, instance: Instance) -> Evidence:
        """Read everything and judge it as it will be with its config.json; raises OperatorError."""
        now, target = self.work.read(instance), self.work.target(instance)
        config = set_paths(now.layout).config
        differing = [path for path in {*now.files, *target.files} - {config} if now.data(path) != target.data(path)]
        staying = now.files.get(config)
        if staying is not None and not self.work.in_line(now):
            differing.append(config)
        if differing:
            raise OperatorError(
                f"{', '.join(sorted(differing))} on this host is not what was put in place",
                meaning="somebody or something has changed it since; nothing was started",
                remedy="find out who writes to this directory, then retry",
            )
        complete = with_config(now, staying or target.files[config])
        if stopping := blockers(set_findings(complete)):
            raise stop(stopping[0], meaning="config.json was not put in place, so the connector can do no harm")
        if refused := instance.unusable(complete):
            raise OperatorError(
                f"the service account {instance.install.account} cannot use {', '.join(refused)}",
                tried="compared owner and permissions with the account and its groups",
                meaning="a connector that cannot read its key makes a new one and publishes it; config.json was not put in place",
                remedy=_open_to(instance),
            )
        warnings = [finding for finding in set_findings(complete) if finding.id not in _SAID_OF_FIRST_HOST]
        return Evidence(
            detail="bytes, owners and permissions are right; key, certificate and password belong together",
            lines=told(warnings),
        )


_SAID_OF_FIRST_HOST = {"extra-files"}


def _open_to(instance: Instance) -> str:
    account = instance.install.account
    if instance.install.os == "windows":
        return f"let {account} modify them (icacls FILE /grant '{account}:M'), then retry"
    return f"give these files to {account}, or open them to its group, then retry"


class CommitConfig(HostStep):
    """Put config.json in place: from here on the connector is a member of the cluster."""

    name = "commit-config"
    title = "Put config.json in place"
    why = "this is the commit point: everything else is in place and checked"

    def look(self, instance: Instance) -> Evidence:
        """Done when its keys are the first host's; the connector rewrites the file at every start."""
        now = self.work.present(instance)
        if now.data(set_paths(now.layout).config) is None:
            return TO_DO
        if self.work.differing_keys(now):
            return TO_DO
        return Evidence(detail="in place already")

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """The file."""
        now = self.work.present(instance)
        return file_changes(now, self.work.target(instance), is_config(now.layout))

    def change(self, instance: Instance) -> Evidence:
        """Write it, atomically, with its final owner and permissions."""
        target = self.work.target(instance)
        file = target.files[set_paths(target.layout).config]
        instance.place(file)
        return Evidence(detail=f"{told_size(len(file.data))} written")

    def prove(self, instance: Instance) -> Evidence:
        """Read it back."""
        now = self.work.read(instance)
        differing = self.work.differing_keys(now)
        if differing:
            return Evidence(detail=f"keys differ: {', '.join(each.key for each in differing)}", done=False)
        return Evidence(detail="every key that this host may not choose itself is as meant")

    def put_back(self, instance: Instance) -> Evidence:
        """Take it out again; the host's own, if it had one, comes back last."""
        taken = make_safe(self.work, instance, before_or_parked(self.work, instance))
        return Evidence(detail="taken out" if taken else "no config.json of this run is in place")
