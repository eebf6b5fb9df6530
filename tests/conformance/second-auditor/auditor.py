#!/usr/bin/env python3
"""A second auditor of livegate's logs, written from docs/spec/record.md and docs/spec/log.md alone (see README.md)."""
import argparse, json, sys
from collections import Counter, defaultdict, deque
from pathlib import Path
from types import SimpleNamespace
sys.dont_write_bytecode = True  # nothing is left beside these files
from formats import CHAIN, INF, Fault, Record, attempt, b64u, check, sha, unb64u, verify
from tree import Checkpoint, are_stored, entries_of, root_of, vkey

def thumbprint(jwk):
    return b64u(sha(b'{"crv":"Ed25519","kty":"OKP","x":"%s"}' % jwk['x'].encode()))

class Audit:
    def __init__(self, origin, disclosures):
        self.origin, self.disclosures, self.findings, self.leaves, self.kinds = origin, disclosures, [], [], []
        self.keys, self.activations = {'record': {}, 'checkpoint': {}}, {}  # kid: [x, begin, end]; by revision
        self.texts, self.parts = set(), defaultdict(dict)
        self.numbers, self.recent, self.taken = {}, deque(maxlen=64), set()  # kinds of the deployment that were met
        self.issuer, self.newest, self.elapsed, self.beat, self.unopened = None, 0, 0, 0, 0
        self.chains = defaultdict(lambda: SimpleNamespace(  # whole: nothing that tells of strikes was left unopened
            seq=0, at=-INF, leaves={}, unopened=0, strikes={}, recorded={}, whole=True, gone=set(), erased=False))
    def expect(self, good, code, i=None):
        if not good:
            self.findings.append((code, i))
        return good
    def entry(self, i, raw):
        self.leaves.append(sha(b'\0', raw))
        self.kinds.append(None)
        self.expect('closing' not in self.taken, 'after_closing', i)
        try:
            self.record(i, Record(raw))
        except Fault as fault:
            self.expect(False, fault.args[0], i)
    def record(self, i, r):
        self.kinds[i], self.issuer = r.kind, self.issuer or r.c['iss']
        self.elapsed += min(max(r.c['iat'] - self.newest, 0), 10)  # the log's time
        self.newest = max(self.newest, r.c['iat'])
        own = r.kind == 'key' and (thumbprint(r.c['jwk']), r.c['use'], r.c['status']) == (r.kid, 'record', 'active')
        if i == 0 and own:
            self.keys['record'][r.kid] = [r.c['jwk']['x'], 0, INF]
        x, begin, end = self.keys['record'].get(r.kid, (None, 0, 0))
        self.expect(i or x, 'first_not_key', i)
        held = begin <= i < end
        self.expect(not held or verify(unb64u(x), r.signed, r.signature), 'signature', i)
        for good, code in ((r.c['iss'] == self.issuer, 'issuer'), (r.c['log'] == self.origin, 'log'),
                           (x, 'key_unknown'), (held, 'key_not_in_force')):
            check(good, code)
        if r.kind in CHAIN:
            self.chained(i, r)
        elif r.leaf not in self.recent:
            self.recent.append(r.leaf)
            self.taken.add(r.kind)
            getattr(self, f'on_{r.kind}', lambda *_: None)(i, r.c)
    def on_key(self, i, c):
        spans, kid, active = self.keys[c['use']], thumbprint(c['jwk']), c['status'] == 'active'
        span = spans.get(kid)
        known = span and not (active and span[2] < INF) or active and not span
        self.expect(known and ('from' not in c or c['status'] == 'revoked'), 'key_record', i)
        if active:
            spans.setdefault(kid, [c['jwk']['x'], i + 1, INF])
        elif span:
            span[2] = min(span[2], i + 1, c.get('from', i + 1))
    def on_policy(self, i, c):
        check(c['part'] <= c['of'], 'policy_parts')
        parts = self.parts[c['digest']]
        parts[c['part']] = c['of'], c['text']
        if len(parts) >= c['of'] and c['digest'] not in self.texts:
            del self.parts[c['digest']]
            text = attempt('policy_parts', lambda: b''.join(unb64u(text) for _, (_, text) in sorted(parts.items())))
            check('sha256-' + b64u(sha(text)) == c['digest'], 'policy_parts')
            check({of for of, _ in parts.values()} == {c['of']}, 'policy_parts')
            self.texts.add(c['digest'])
    def on_activation(self, i, c):
        last = max(self.activations, default=0)
        self.expect(c['digest'] in self.texts, 'policy_not_logged', i)
        self.expect(not last or c['revision'] == last + 1 and c['previous'] in self.activations, 'activation_order', i)
        if c['revision'] > last:
            self.activations[c['revision']] = c | {'logged': self.elapsed}
    def on_heartbeat(self, i, c):
        begin, end = c['from_index'], c['to_index']
        if self.expect(begin == self.beat and begin <= end <= i, 'heartbeat_gap', i):
            self.expect(Counter(filter(None, self.kinds[begin:end])) == Counter(c['totals']), 'heartbeat_totals', i)
        self.beat = max(self.beat, min(end, i))
    def on_erasure(self, i, c):
        chain = self.chains[c['sub']]
        chain.gone |= set(c.get('strikes', ()))
        if c['scope'] != 'retention':
            chain.erased = True
            self.expect(chain.seq <= c.get('last_seq', 0), 'erased_chain', i)
    def chained(self, i, r):
        try:  # disclosures of another record prove nothing: anybody could have put them there
            r.open([one for one in self.disclosures.get(r.leaf, ()) if b64u(sha(one.encode())) in r.c['_sd']])
        except Fault as fault:
            self.expect(False, fault.args[0], i)
        link, q = r.groups.get('chain'), r.groups.get('request', {})
        if 'policy' in r.c:
            self.decided(i, r.c, link['at'] if link else 1000 * r.c['iat'] + 999)
        if not link or self.linked(i, r, link, self.chains[link['sub']]):
            self.unopened += not link
            number = q.get('server'), q.get('enforcer'), q.get('enf_seq')
            alone = number[2] is None or self.numbers.setdefault(number, r.leaf) == r.leaf
            self.expect(alone or not link, 'enforcer_repeat', i)
    def decided(self, i, c, at):
        self.expect(c['policy'] in self.texts, 'policy_not_logged', i)
        if self.activations or 'revision' in c:
            one = self.activations.get(c.get('revision'), {'digest': None})
            active = one['digest'] == c['policy'] and one['active_from'] <= at
            self.expect(active, 'policy_not_active', i)
            self.expect(not active or not any(
                a['revision'] > one['revision'] and a['active_from'] + 60000 <= at and a['logged'] + 60 < self.elapsed
                for a in self.activations.values()), 'policy_outdated', i)
    def linked(self, i, r, link, chain):
        """False for a record at a place that is taken: a fork, or a repeat that means nothing."""
        seq, missing = link['seq'], link['seq'] - chain.seq - 1
        if missing < 0:
            self.expect(chain.leaves.get(seq) == r.leaf, 'chain_fork', i)
            return False
        last = b64u(chain.leaves[chain.seq]) if chain.seq else None
        unseen = missing <= self.unopened - chain.unopened or not chain.seq and 'predecessor' in self.taken
        self.expect(not chain.erased, 'erased_chain', i)
        self.expect(missing or link['prev'] == last, 'chain_prev', i)
        self.expect(unseen, 'chain_gap', i)
        self.expect(link['at'] >= chain.at, 'chain_time', i)
        chain.seq, chain.at, chain.unopened, chain.whole = seq, link['at'], self.unopened, chain.whole and not missing
        chain.leaves = {k: leaf for k, leaf in chain.leaves.items() if k > seq - 16} | {seq: r.leaf}
        self.history(i, r, chain, r.groups.get('facts', {}))
        return True
    def history(self, i, r, chain, facts):
        """Strikes and reversals, and what the facts of a decision or renewal say of them."""
        strike, shown = facts.get('strike'), facts.get('facts', facts)
        if r.kind in ('strike', 'reversal', 'review') and not facts:
            chain.whole = False
        elif r.kind == 'strike':
            key = strike['id']
            self.expect(key not in chain.strikes or chain.recorded.get(key) in chain.gone, 'strike_altered', i)
            chain.strikes[key], chain.recorded[key] = strike | {'status': 'active'}, b64u(r.leaf)
        elif r.kind == 'reversal':
            known = chain.strikes.get(strike, {'status': None})
            self.expect(not chain.whole or known['status'] == 'active', 'reversal_invented', i)
            chain.strikes |= {strike: known | {'status': 'reversed'}} if strike in chain.strikes else {}
        elif 'hosts' in shown and 'result' in r.groups:
            self.told(i, chain, shown['hosts'][0]['strikes'])
    def told(self, i, chain, strikes):  # by facts, against what the chain's records told
        known, listed = chain.strikes, {one['id']: one for one in strikes}
        both = [(known[k], one) for k, one in listed.items() if k in known]
        turned = [(was['status'], one['status']) for was, one in both]
        self.expect(all(k in listed or chain.recorded.get(k) in chain.gone for k in known), 'strike_ignored', i)
        new = len(listed) < len(strikes) or chain.whole and listed.keys() - known.keys()
        self.expect(not new, 'strike_invented', i)
        self.expect(all(was | {'status': one['status']} == one for was, one in both), 'strike_altered', i)
        self.expect(('reversed', 'active') not in turned, 'reversal_ignored', i)
        self.expect(not chain.whole or ('active', 'reversed') not in turned, 'reversal_invented', i)
        if not chain.whole:  # what was never opened is believed; from here on it binds
            chain.strikes, chain.whole = listed, True
    def finish(self, tree, directory, trusted):
        self.expect(root_of(self.leaves) == tree.root, 'root')
        self.expect(are_stored(directory, self.leaves), 'tile')
        if trusted and self.expect(trusted.size <= tree.size, 'rollback'):
            self.expect(root_of(self.leaves[:trusted.size]) == trusted.root, 'fork')
        held = [unb64u(x) for x, begin, end in self.keys['checkpoint'].values() if begin <= tree.size <= end]
        self.expect(not self.keys['checkpoint'] or tree.by(held), 'checkpoint_key')

def opened(path):
    """Disclosures by leaf, from lines of {"record": "jws~disclosure~…~"}."""
    found = defaultdict(dict)
    for line in Path(path).read_text('utf-8').splitlines() if path else ():
        jws, *more = json.loads(line)['record'].split('~')
        found[sha(b'\0', jws.encode())].update(dict.fromkeys(filter(None, more)))
    return found

def main(make=Audit):
    arg = argparse.ArgumentParser(description='Audits a livegate log; exit 0: clean, 1: could not check, 4: it lies.')
    arg.add_argument('directory')
    arg.add_argument('--vkey', type=vkey, action='append', required=True)
    arg.add_argument('--disclosures')
    arg.add_argument('--trusted')
    a = arg.parse_args()
    try:
        tree = Checkpoint(Path(a.directory, 'checkpoint').read_bytes())
        trusted = Checkpoint(Path(a.trusted).read_bytes()) if a.trusted else None
        audit, keys = make(tree.origin, opened(a.disclosures)), [key for name, key in a.vkey if name == tree.origin]
        if not keys:
            raise ValueError(f'no key given is of {tree.origin}')
        if audit.expect(tree.by(keys), 'checkpoint_key'):
            for i, raw in enumerate(entries_of(a.directory, tree.size)):
                audit.entry(i, raw)
            audit.finish(tree, a.directory, trusted)
    except (OSError, ValueError, KeyError) as e:
        print(f'unfinished\t-\t{e}')
        return 1
    for code, i in audit.findings:
        print('finding', code, '-' if i is None else i, sep='\t')
    print('Not checked: whether outcomes follow (no replay), co-hosts, holds, reviews, broadcasts, an earlier log.')
    return 4 if audit.findings else 0

if __name__ == '__main__':
    sys.exit(main())
