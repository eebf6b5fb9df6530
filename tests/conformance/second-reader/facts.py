#!/usr/bin/env python3
"""The second auditor, which also follows what facts say of incident mode and of kept restrictions (record.md)."""
import json, sys
from pathlib import Path
sys.dont_write_bytecode = True  # nothing is left beside these files
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'second-auditor'))
from auditor import Audit, main
from formats import sha

WEEK, DAY, HALF_HOUR = 604800000, 86400000, 1800000


def mode(change, at):
    """The fact `incident` at an instant, by the newest change (None: there was none)."""
    runs = change and change['active'] and at < change.get('until', at)
    return {'active': True, 'id': change['id'], 'scope': change['scope']} if runs else {'active': False}


def bucket(pseudonym):
    """Whom a canary meets (policy.md, "Rollout"): of a hundred buckets, that of a pseudonym."""
    return int.from_bytes(sha(b'livegate-rollout/1\n' + pseudonym.encode())[:4], 'big') % 100


def in_order(before, c):
    """Whether a change follows from those before it."""
    last, at = before[-1] if before else {'change': 0, 'active': False, 'at': c['at'], 'id': None}, c['at']
    if c['change'] != last['change'] + 1 or at < last['at']:
        return False
    if not c['active']:
        return last['active'] and last['id'] == c['id']
    if not {'until', 'expires_at', 'confirmed'} <= set(c) or c['until'] > c['expires_at']:
        return False
    if c['confirmed']:
        same = last['id'] == c['id'] and mode(last, at)['active'] and last['expires_at'] == c['expires_at']
        return same and not last['confirmed'] and last['by'] != c['by']
    left = HALF_HOUR
    for one, then in zip(before, before[1:] + [{'at': at, 'id': None}]):
        alone = one['active'] and not one['confirmed'] and one['by'] == c['by'] and one['at'] > at - DAY
        if alone and not (then['id'] == one['id'] and then['active']):
            left -= min(then['at'], one['until'], at) - one['at']
    new = all(one['id'] != c['id'] for one in before)
    return new and c['expires_at'] <= at + 3 * DAY and c['until'] <= at + left


class FactsAudit(Audit):
    def __init__(self, origin, disclosures):
        super().__init__(origin, disclosures)
        self.changes, self.logged, self.kept = [], [], {}

    def on_incident(self, i, c):
        self.expect(in_order(self.changes, c), 'incident_order', i)
        if not self.changes or c['change'] > self.changes[-1]['change']:
            self.changes.append(c)
            self.logged.append(self.elapsed)

    def history(self, i, r, chain, facts):
        again = facts.get('event') in ('renewed', 'revoked')
        self.expect(not again or 'policy' in r.c and 'facts' in facts, 'renewal_incomplete', i)
        shown = facts.get('facts', facts)
        if 'hosts' in shown and 'result' in r.groups:
            own = all(h.get('bucket', bucket(h['subject'])) == bucket(h['subject']) for h in shown['hosts'])
            self.expect(own, 'bucket_false', i)
            said = r.c.get('enforced', True) == ('would' not in r.groups['result'])
            self.expect(said, 'replay_field', i)
            self.expect(self.heard(shown['incident'], chain.at), 'incident_false', i)
            self.suppressions(i, r.groups['chain']['sub'], chain.at, shown['hosts'][0].get('suppressions', []))
        super().history(i, r, chain, facts)

    def heard(self, seen, at):
        """Whether it is what follows from the newest change, or from one before that no later one was heard after."""
        for change, logged in zip(reversed(self.changes), reversed(self.logged)):
            if mode(change, at) == seen:
                return True
            if at >= change['at'] + 60000 and self.elapsed > logged + 60:
                return False
        return not self.changes or seen == mode(None, at)

    def suppressions(self, i, sub, at, told):
        """What outlived an erasure: fixed by the first facts of a chain, and only ends."""
        def runs(until):
            return until == 'forever' or until > at
        listed = {json.dumps(one, sort_keys=True): one['until'] for one in told}
        kept = self.kept.setdefault(sub, listed)
        own = len(listed) == len(told) and all(map(runs, listed.values())) and listed.keys() <= kept.keys()
        self.expect(own, 'suppression_invented', i)
        due = [one for one, until in kept.items() if runs(until) and (
            until == 'forever' or until + WEEK > 1000 * self.newest)]
        self.expect(listed.keys() >= {*due}, 'suppression_ignored', i)


if __name__ == '__main__':
    sys.exit(main(FactsAudit))
