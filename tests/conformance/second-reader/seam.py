#!/usr/bin/env python3
"""Two logs, of which the second goes on from the first: what docs/spec/log.md says of closing a log."""
import argparse, sys
from pathlib import Path
from facts import FactsAudit
from auditor import check, entries_of, opened, unb64u, vkey
from formats import Fault
from tree import Checkpoint


class SeamAudit(FactsAudit):
    def __init__(self, tree, disclosures, given, before=None):
        super().__init__(tree.origin, disclosures)
        self.tree, self.given, self.before, self.predecessor, self.awaited = tree, given, before, None, []
        self.chain_met, self.closing, self.revoked = False, (None, ()), set()

    def on_key(self, i, c):
        super().on_key(i, c)
        self.revoked |= {c['jwk']['x']} if (c['use'], c['status']) == ('record', 'revoked') else set()

    def on_closing(self, i, c):
        self.closing = self.closing if self.closing[1] else (i, c['successors'])

    def successors(self):
        return self.closing[1] if self.closing[0] == self.tree.size - 1 else ()

    def record_keys(self):
        """Those this log and the ones before it brought into force, without the revoked ones."""
        own = {x for x, _, _ in self.keys['record'].values()} - self.revoked
        return own | set(self.predecessor['keys'] if self.predecessor else ())

    def chained(self, i, r):
        self.chain_met = True
        super().chained(i, r)

    def on_predecessor(self, i, c):
        if self.predecessor or self.chain_met:
            self.taken -= set() if self.predecessor else {'predecessor'}
            raise Fault('predecessor_late')
        self.predecessor, old = c, self.before
        if not old or old.origin != c['predecessor']:
            return
        known = {(old.origin, key) for name, key in old.given if name == old.origin}
        known |= {(old.origin, unb64u(x)) for x, _, _ in old.keys['checkpoint'].values()}
        try:
            told, key = Checkpoint(c['checkpoint'].encode()), vkey(c['vkey'])
            same = (told.origin, told.size, told.root) == (old.tree.origin, old.tree.size, old.tree.root)
        except (ValueError, AttributeError):
            same, key = False, None
        self.expect(key in known, 'predecessor_false', i)
        self.expect(same, 'predecessor_false', i)
        self.expect(set(c['keys']) == old.record_keys(), 'predecessor_false', i)
        self.expect(self.origin in old.successors(), 'predecessor_open', i)
        self.chains, self.unopened, self.kept = old.chains, old.unopened, old.kept
        self.awaited = [(a['digest'], a['active_from']) for a in old.activations.values()]
        if 'predecessor' not in old.taken:  # nothing of these chains is elsewhere
            self.taken -= {'predecessor'}

    def on_activation(self, i, c):
        repeated = not self.awaited or self.awaited.pop(0) == (c['digest'], c['active_from'])
        self.awaited = self.awaited if self.expect(repeated, 'activation_order', i) else []
        super().on_activation(i, c)

    def decided(self, i, c, at):
        self.expect(not self.awaited, 'activation_order', i)
        self.awaited = []
        super().decided(i, c, at)

    def finish(self, tree, directory, trusted):
        super().finish(tree, directory, trusted)
        missing = self.before and not self.predecessor and self.origin in self.before.successors()
        self.expect(not missing, 'predecessor_missing')


def audited(directory, a, before=None):
    tree = Checkpoint(Path(directory, 'checkpoint').read_bytes())
    keys = [key for name, key in a.vkey if name == tree.origin]
    check(keys, 'no_key')
    audit = SeamAudit(tree, opened(a.disclosures), a.vkey, before)
    if audit.expect(tree.by(keys), 'checkpoint_key'):
        for i, raw in enumerate(entries_of(directory, tree.size)):
            audit.entry(i, raw)
        audit.finish(tree, directory, None)
    return audit


def main():
    arg = argparse.ArgumentParser(description='Exit 0: both logs are clean; 1: could not check; 4: one lies.')
    arg.add_argument('before')
    arg.add_argument('directory')
    arg.add_argument('--vkey', type=vkey, action='append', required=True)
    arg.add_argument('--disclosures')
    a = arg.parse_args()
    try:
        before = audited(a.before, a)
        findings = before.findings + audited(a.directory, a, before).findings
    except (OSError, ValueError, KeyError, Fault) as e:
        print(f'unfinished\t-\t{e}')
        return 1
    for code, i in findings:
        print('finding', code, '-' if i is None else i, sep='\t')
    return 4 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
