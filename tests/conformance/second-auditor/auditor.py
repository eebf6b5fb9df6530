#!/usr/bin/env python3
"""A second auditor for livegate's logs and evidence bundles, written from docs/spec/{record,log,evidence}.md alone (see README.md)."""
import argparse, json, os, re, sys
from collections import Counter, deque
sys.dont_write_bytecode = True  # nothing is left beside these files
from formats import CHAIN, DIGEST, GROUPS, INF, KINDS, PUBLIC, b64u, sha, unb64u, unjson, verify
from tree import Checkpoint, Unfinished, Vkey, entries_of, levels, root_of, tile

class Fault(Exception):  # a code of the specification, and more words
    code = property(lambda self: self.args[0])

# --- records ---
class Record:  # steps 1 to 3 of Verification
    def __init__(self, raw):
        def attempt(code, f, *args):
            try:
                return f(*args)
            except ValueError:
                raise Fault(code)
        if len(raw) > 7168:
            raise Fault('too_large')
        head, body, signature = attempt('malformed', lambda: raw.decode('ascii').split('.')) if raw.count(b'.') == 2 else ('!', '', '')
        head, body = attempt('malformed', lambda: (unb64u(head).decode(), unb64u(body).decode()))
        h = attempt('json', unjson, head)
        m = re.fullmatch(r'livegate-([a-z]+)\+jwt', str(h.get('typ'))) if type(h) is dict else None
        fault = ('json' if type(h) is not dict else 'algorithm' if h.get('alg') != 'Ed25519' else 'type_unknown' if not m or m[1] not in KINDS else
                 'header' if list(h) != ['alg', 'typ', 'kid'] or DIGEST(h['kid']) else None)
        if fault:
            raise Fault(fault)
        self.signature = attempt('malformed', unb64u, signature)
        if len(self.signature) != 64:
            raise Fault('malformed', 'signature')
        self.raw, self.kind, self.kid, self.c = raw, m[1], h['kid'], attempt('json', unjson, body)
        self.leaf, self.groups = sha(b'\0', raw), {}
        if fault := PUBLIC[m[1]](self.c) if type(self.c) is dict else 'json':
            raise Fault(fault, 'payload')
    def signed_by(self, x):
        return verify(unb64u(x), self.raw[:self.raw.rindex(b'.')], self.signature)
    def open(self, disclosures):  # step 7
        groups = {}
        for d in disclosures:
            try:
                parts = unjson(unb64u(d).decode())
                salt, group, claims = parts
                if type(parts) is not list or len(unb64u(salt)) != 16 or type(group) is not str or type(claims) is not dict:
                    raise ValueError
            except (ValueError, TypeError, AttributeError):
                raise Fault('disclosure_malformed')
            fault = 'group_unknown' if group not in GROUPS else GROUPS[group][self.kind](claims) if self.kind in CHAIN else None
            if fault or group in groups or b64u(sha(d.encode())) not in self.c.get('_sd', ()):
                raise Fault(fault or ('disclosure_repeated' if group in groups else 'disclosure_unmatched'), group)
            groups[group] = claims
        chain, facts, cohosts = groups.get('chain'), groups.get('facts', {}), groups.get('subject', {}).get('cohosts')
        f = facts.get('facts', {}) if self.kind == 'broadcast' else facts
        if chain and ((chain['prev'] is None) != (chain['seq'] == 1) or f.get('at', chain['at']) != chain['at']) or 'hosts' in f and (
                chain and f['hosts'][0]['subject'] != chain['sub'] or cohosts is not None and len(cohosts) + 1 != len(f['hosts'])):
            raise Fault('groups_disagree')
        self.groups = groups

def thumbprint(x):
    return b64u(sha(b'{"crv":"Ed25519","kty":"OKP","x":"%s"}' % x.encode()))
class Keys:  # intervals of keys by use and thumbprint: [x, begins, ends, revoked], of indexes or of sizes
    def __init__(self):
        self.spans = {'record': {}, 'checkpoint': {}}
    def first(self, r):  # whether entry 0 is the key that signs it
        good = r.kind == 'key' and (r.c['use'], r.c['status'], thumbprint(r.c['jwk']['x'])) == ('record', 'active', r.kid)
        if good:
            self.spans['record'][r.kid] = [r.c['jwk']['x'], 0, INF, False]
        return good
    def take(self, i, c):
        spans, kid = self.spans[c['use']], thumbprint(c['jwk']['x'])
        span, active = spans.get(kid), c['status'] == 'active'
        wrong = 'from' in c and c['status'] != 'revoked' or (span[2] < INF if span and active else not span and not active)
        if active:
            spans.setdefault(kid, [c['jwk']['x'], i + 1, INF, False])
        elif span:
            span[2:] = min(span[2], i + 1, c.get('from', i + 1)), span[3] or c['status'] == 'revoked'
        if wrong:
            raise Fault('key_record', kid)
    def signer(self, i, r):  # steps 5 and 6 for the entry at i
        span = self.spans['record'].get(r.kid)
        if not span or not span[1] <= i < span[2]:
            raise Fault('key_not_in_force' if span else 'key_unknown', r.kid)
        return r.signed_by(span[0])

class Texts:  # policy texts from their parts: digest to the index at which it was complete
    def __init__(self):
        self.parts, self.done = {}, {}
    def take(self, i, c):
        if c['part'] > c['of']:
            raise Fault('policy_parts', c['digest'])
        if c['digest'] in self.done:
            return
        parts = self.parts.setdefault(c['digest'], {})
        parts[c['part']] = c
        if len(parts) >= c['of']:
            del self.parts[c['digest']]
            try:
                same = 'sha256-' + b64u(sha(*(unb64u(parts[k]['text']) for k in sorted(parts)))) == c['digest']
            except ValueError:
                same = False
            if not same or any(p['of'] != c['of'] for p in parts.values()):
                raise Fault('policy_parts', c['digest'])
            self.done[c['digest']] = i

class LogTime:  # as a log tells it
    def __init__(self):
        self.latest, self.elapsed = 0, 0
    def entry(self, iat):
        self.elapsed += min(max(iat - self.latest, 0), 10)
        self.latest = max(self.latest, iat)
        return self.elapsed
class Chain:  # what is kept of one pseudonym
    def __init__(self, unopened=0):
        self.seq, self.at, self.leaves, self.unopened, self.strikes, self.whole, self.erased, self.gone = 0, -INF, {}, unopened, {}, True, False, set()
        self.kept = None  # restrictions that outlived an erasure, with their ends; None while no evaluation was opened

class Audit:
    def __init__(self, directory, vkeys, disclosures, before=None, trusted=None):
        self.findings, self.notices, self.before, self.disclosures, self.size = [], [], before, disclosures, 0
        try:
            with open(os.path.join(directory, 'checkpoint'), 'rb') as f:
                self.tree = Checkpoint(f.read())
        except (OSError, ValueError) as e:
            raise Unfinished(f'checkpoint: {e}')
        self.vkeys = [k for k in vkeys if k.name == self.tree.origin and k.type == b'\1']
        if not self.vkeys:
            raise Unfinished(f'no verifier key given is of {self.tree.origin}')
        said = [self.tree.by(k) for k in self.vkeys]
        if False in said or True not in said:
            return self.find('checkpoint_key', None, 'the verifier key has not signed the checkpoint')
        self.leaves, self.kinds, self.signers, self.keys, self.texts, self.issuer = [], [], {}, Keys(), Texts(), None
        self.activations, self.recent, self.chained, self.numbers, self.access = {}, deque(maxlen=64), 0, {}, Counter()
        self.modes = []
        self.time, self.chains, self.unopened, self.strange, self.awaited, self.elsewhere = LogTime(), {}, 0, 0, [], False
        self.beat, self.last_beat, self.newest, self.closing, self.predecessor = 0, 0, 0, None, None
        for i, raw in enumerate(entries_of(directory, self.tree.size)):
            self.leaves.append(sha(b'\0', raw))
            self.kinds.append(None)
            if self.closing:
                self.find('after_closing', i)
            try:
                self.entry(i, Record(raw))
            except Fault as fault:
                self.find(fault.code, i, *fault.args[1:])
        self.finish(directory, trusted)
    def find(self, code, i, why=''):
        self.findings.append((code, i, why))
    def note(self, code, i, why=''):
        self.notices.append((code, i, why))
    def entry(self, i, r):
        self.kinds[i], self.newest, self.issuer = r.kind, r.c['iat'], self.issuer or r.c['iss']
        self.time.entry(r.c['iat'])
        if i == 0 and not self.keys.first(r):
            self.find('first_not_key', 0)
        if i == 0 or r.kind == 'heartbeat':
            self.last_beat = max(self.last_beat, r.c['iat'])
        wrong = 'issuer' if r.c['iss'] != self.issuer else 'log' if r.c['log'] != self.tree.origin else None
        span = self.keys.spans['record'].get(r.kid)
        if (not wrong or span and span[1] <= i < span[2]) and not self.keys.signer(i, r):
            self.find('signature', i)
        if wrong:
            raise Fault(wrong)
        self.signers[i] = r.kid
        if r.kind not in CHAIN:
            if r.leaf not in self.recent:
                self.recent.append(r.leaf)
                getattr(self, 'on_' + r.kind, lambda *_: None)(i, r.c)
            return
        self.chained += 1
        try:
            given = self.disclosures.get(r.leaf, ())  # those of another record prove nothing: anybody could have put them there
            own = [d for d in given if b64u(sha(d.encode())) in r.c['_sd']]
            self.strange += len(given) - len(own)
            r.open(own)
        except Fault as fault:
            self.find(fault.code, i, *fault.args[1:])
        if 'policy' in r.c:
            self.decided(i, r.c, r.groups.get('chain', {}).get('at', 1000 * r.c['iat'] + 999))
        self.link(i, r, r.groups.get('chain'))
    def on_key(self, i, c):
        return i and self.keys.take(i, c)
    def on_policy(self, i, c):
        self.texts.take(i, c)
    def decided(self, i, c, at):
        if self.awaited:
            self.awaited = self.find('activation_order', i, 'an activation of the log before is not here') or []
        if c['policy'] not in self.texts.done:
            self.find('policy_not_logged', i)
        if self.activations or 'revision' in c:
            a = self.activations.get(c.get('revision'))
            if not a or a['digest'] != c['policy'] or a['active_from'] > at:
                self.find('policy_not_active', i)
            elif any(n > a['revision'] and at >= b['active_from'] + 60000 and self.time.elapsed > b['logged'] + 60 for n, b in self.activations.items()):
                self.find('policy_outdated', i)
    def on_activation(self, i, c):
        last = max(self.activations, default=0)
        if self.awaited and self.awaited.pop(0) != (c['digest'], c['active_from']):
            self.awaited = self.find('activation_order', i, 'not the next one of the log before') or []
        if c['digest'] not in self.texts.done:
            self.find('policy_not_logged', i)
        if last and (c['revision'] != last + 1 or c['previous'] not in self.activations):
            self.find('activation_order', i)
        if c['revision'] > last:
            self.activations[c['revision']] = c | {'logged': self.time.elapsed}
    def on_incident(self, i, c):
        if disordered([m for m, _ in self.modes], c):
            self.find('incident_order', i)
        if c['change'] > (self.modes[-1][0]['change'] if self.modes else 0):
            self.modes.append((c, self.time.elapsed))
    def saw(self, i, seen, at):  # the newest change it can have known, and its own instant
        for c, logged in reversed(self.modes):
            if mode(c, at) == seen:
                return
            if at >= c['at'] + 60000 and self.time.elapsed > logged + 60:
                return self.find('incident_false', i)
        if self.modes and seen != mode(None, at):
            self.find('incident_false', i)
    def on_heartbeat(self, i, c):
        lo, hi = c['from_index'], c['to_index']
        if lo != self.beat or not lo <= hi <= i:
            self.find('heartbeat_gap', i)
        elif Counter(filter(None, self.kinds[lo:hi])) != Counter(c['totals']):
            self.find('heartbeat_totals', i)
        self.beat = max(self.beat, min(hi, i))
    def on_access(self, i, c):
        self.access[c['by']] += c['count']
    def on_closing(self, i, c):
        self.closing = self.closing or (i, c['successors'])
    def successors(self):
        return self.closing[1] if self.closing and self.closing[0] == self.tree.size - 1 else ()
    def named(self):  # record keys of this log and of those before, but for revoked ones
        return {x for x, _, _, revoked in self.keys.spans['record'].values() if not revoked} | set(self.predecessor['keys'] if self.predecessor else ())
    def on_predecessor(self, i, c):
        if self.predecessor or self.chained:
            raise Fault('predecessor_late')
        self.predecessor, b = c, self.before if self.before and self.before.tree.origin == c['predecessor'] else None
        if not b:
            self.elsewhere = True
            return self.note('predecessor_unchecked', i)
        try:
            told = Checkpoint(c['checkpoint'].encode())
            same = (told.origin, told.size, told.root) == (b.tree.origin, b.tree.size, b.tree.root)
            key = Vkey(c['vkey'])
        except ValueError:
            same, key = False, None
        known = [k.key for k in b.vkeys] + [unb64u(x) for x, *_ in b.keys.spans['checkpoint'].values()]
        for good, what in ((key and key.name == b.tree.origin and key.key in known, 'vkey'), (same, 'checkpoint'), (set(c['keys']) == b.named(), 'keys')):
            if not good:
                self.find('predecessor_false', i, what)
        if self.tree.origin not in b.successors():
            self.find('predecessor_open', i)
        self.chains, self.unopened, self.elsewhere = b.chains, b.unopened, b.elsewhere
        self.awaited = [(a['digest'], a['active_from']) for a in b.activations.values()]
    def on_erasure(self, i, c):
        s = self.chains.setdefault(c['sub'], Chain())
        s.gone |= set(c.get('strikes', ()))
        s.erased = s.erased or c['scope'] != 'retention'
        if c['scope'] != 'retention' and s.seq > c.get('last_seq', 0):
            self.find('erased_chain', i)
    def enforced(self, i, r, certain):  # what was not opened may be the legal repeat of an entry
        q = r.groups.get('request', {})
        if 'enf_seq' in q:
            seen = self.numbers.setdefault((q.get('server'), q.get('enforcer')), {})
            if seen.setdefault(q['enf_seq'], r.leaf) != r.leaf and certain:
                self.find('enforcer_repeat', i)
    def link(self, i, r, link):
        if not link:
            self.unopened += 1
            return self.enforced(i, r, False)
        s = self.chains.setdefault(link['sub'], Chain())
        seq, missing = link['seq'], link['seq'] - s.seq - 1
        if missing < 0:
            return None if s.leaves.get(seq) == r.leaf else self.find('chain_fork', i)
        self.enforced(i, r, True)
        if s.erased:
            self.find('erased_chain', i)
        if not missing and link['prev'] != (b64u(s.leaves[s.seq]) if s.seq else None):
            self.find('chain_prev', i)
        if missing:
            if not s.seq and self.elsewhere:
                self.note('chain_elsewhere', i)
            else:
                self.note('chain_unopened', i) if self.unopened - s.unopened >= missing else self.find('chain_gap', i)
            s.whole = False
        if link['at'] < s.at:
            self.find('chain_time', i)
        s.seq, s.at, s.unopened, s.leaves[seq] = seq, link['at'], self.unopened, r.leaf
        s.leaves = {k: leaf for k, leaf in s.leaves.items() if k > seq - 16}
        self.history(i, r, s)
    def history(self, i, r, s):  # strikes and reversals of the chain against those its facts list
        facts = r.groups.get('facts', {})
        if facts.get('event') in ('renewed', 'revoked') and not ('policy' in r.c and 'facts' in facts):
            self.find('renewal_incomplete', i)
        facts = facts.get('facts', facts)
        if r.kind == 'strike' and facts:
            strike = facts['strike']
            if strike['id'] in s.strikes and s.strikes[strike['id']][2] not in s.gone:
                self.find('strike_altered', i, 'a second record under one id')
            s.strikes[strike['id']] = [strike, False, b64u(r.leaf)]
        elif r.kind == 'reversal' and facts:
            known = s.strikes.get(facts['strike'])
            if s.whole and (not known or known[1]):
                self.find('reversal_invented', i)
            if known:
                known[1] = True
        elif r.kind in ('strike', 'reversal', 'review'):
            s.whole = s.whole and bool(facts)
        elif 'hosts' in facts and 'result' in r.groups:
            self.saw(i, facts['incident'], s.at)
            self.kept(i, s, facts['hosts'][0].get('suppressions', ()))
            told = facts['hosts'][0]['strikes']
            listed = {t['id']: t for t in told}
            both = [(s.strikes[k], t, t['status'] == 'reversed') for k, t in listed.items() if k in s.strikes]
            for code, wrong in (('strike_ignored', any(k not in listed and v[2] not in s.gone for k, v in s.strikes.items())),
                                ('strike_invented', s.whole and set(listed) - set(s.strikes) or len(listed) != len(told)),
                                ('strike_altered', any(v[0] | {'status': 0} != t | {'status': 0} for v, t, _ in both)),
                                ('reversal_ignored', any(v[1] and not back for v, _, back in both)),
                                ('reversal_invented', s.whole and any(back and not v[1] for v, _, back in both))):
                if wrong:
                    self.find(code, i)
            if not s.whole:  # what was never opened is believed; from here on it binds
                s.strikes, s.whole = {k: [t, t['status'] == 'reversed', s.strikes.get(k, [0, 0, None])[2]] for k, t in listed.items()}, True
    def kept(self, i, s, told):
        listed = {json.dumps(t, sort_keys=True): t['until'] for t in told}
        runs = lambda end: end == 'forever' or end > s.at
        if len(listed) < len(told) or not all(map(runs, listed.values())) or s.kept is not None and set(listed) - set(s.kept):
            self.find('suppression_invented', i)
        if any(runs(u) and k not in listed and (u == 'forever' or u + 604800000 > 1000 * self.time.latest) for k, u in (s.kept or {}).items()):
            self.find('suppression_ignored', i)
        s.kept = listed if s.kept is None else s.kept
    def finish(self, directory, trusted):
        size, tree, level, count = self.tree.size, levels(self.leaves), 0, self.tree.size
        if root_of(self.leaves) != self.tree.root:
            self.find('root', None)
        while count:
            hashes = tree[8 * level]
            for n in range(-(-count // 256)):
                w = min(256, count - 256 * n)
                data, full = tile(directory, str(level), n, w)
                if data is None or data[:32 * w] != b''.join(hashes[256 * n:256 * n + w]) or len(data) != 32 * (256 if full else w):
                    self.find('tile', None, f'level {level}, {n}, {w} hashes')
            level, count = level + 1, count >> 8
        if trusted and (trusted.size > size or root_of(self.leaves[:trusted.size]) != trusted.root):
            self.find('rollback' if trusted.size > size else 'fork', None)
        spans = self.keys.spans['checkpoint'].values()
        logged = [(x, self.tree.signed(self.tree.origin, b'\1', unb64u(x))) for x, begin, end, _ in spans if begin <= size <= end]
        if spans and (False in [s for _, s in logged] or True not in [s for _, s in logged]):
            self.find('checkpoint_key', None, 'no key in force has signed, or one falsely')
        for code, told in (('checkpoint_key_new', [x for x, _ in logged if unb64u(x) not in [k.key for k in self.vkeys]]),
                           ('key_revoked', [i for i, kid in self.signers.items() if i >= self.keys.spans['record'][kid][2]]),
                           ('heartbeat_late', self.newest - self.last_beat > 3900),
                           ('enforcer_gap', [who for who, seen in self.numbers.items() if max(seen) > len(seen)])):
            if told:
                self.note(code, None, told)
        if self.before and not self.predecessor and self.tree.origin in self.before.successors():
            self.find('predecessor_missing', None)

def mode(c, at):
    runs = c and c['active'] and at < c.get('until', at)
    return {'active': True, 'id': c['id'], 'scope': c['scope']} if runs else {'active': False}

def disordered(before, c):
    last, at = before[-1] if before else {'change': 0, 'active': False, 'at': c['at'], 'id': None}, c['at']
    if c['change'] != last['change'] + 1 or at < last['at']:
        return True
    if not c['active']:
        return not last['active'] or last['id'] != c['id']
    if not {'until', 'expires_at', 'confirmed'} <= set(c) or c['until'] > c['expires_at']:
        return True
    if c['confirmed']:
        same = last['id'] == c['id'] and mode(last, at)['active'] and last['expires_at'] == c['expires_at']
        return not same or last['confirmed'] or last['by'] == c['by']
    left = 1800000
    for one, then in zip(before, before[1:] + [{'at': at, 'id': None}]):
        alone = one['active'] and not one['confirmed'] and one['by'] == c['by'] and one['at'] > at - 86400000
        if alone and not (then['id'] == one['id'] and then['active']):
            left -= min(then['at'], one['until'], at) - one['at']
    return any(b['id'] == c['id'] for b in before) or c['expires_at'] > at + 259200000 or c['until'] > at + left

def opened(path):  # JSON Lines of {"record": "jws~disclosure~…~"}
    out = {}
    with open(path, encoding='utf-8') as f:
        for line in filter(str.strip, f):
            jws, *more = json.loads(line)['record'].split('~')
            out.setdefault(sha(b'\0', jws.encode()), dict()).update(dict.fromkeys(filter(None, more)))
    return out

def main():
    arg = argparse.ArgumentParser(description='Audits a livegate log directory, or an evidence bundle. Exit 0: clean; 1: could not check; 4: the log lies.')
    for name in ('--vkey', '--witness'):
        arg.add_argument(name, action='append', default=[], type=Vkey, required=name == '--vkey')
    for name in ('--disclosures', '--predecessor', '--trusted', '--evidence'):
        arg.add_argument(name)
    for name in ('--quorum', '--now'):
        arg.add_argument(name, type=int, default=0)
    arg.add_argument('directory', nargs='?')
    a = arg.parse_args()
    try:
        disclosures = opened(a.disclosures) if a.disclosures else {}
        trusted = Checkpoint(open(a.trusted, 'rb').read()) if a.trusted else None
        if a.evidence:
            from evidence import report
            with open(a.evidence, 'rb') as f:
                return report(f.read(), a.vkey, a.witness, a.quorum, trusted, a.now)
        before = Audit(a.predecessor, a.vkey, disclosures) if a.predecessor else None
        audit = Audit(a.directory, a.vkey, disclosures, before, trusted)
    except (Unfinished, OSError, ValueError, KeyError) as e:
        print(f'unfinished\t-\t{e}')
        return 1
    for word, lines in (('finding', (before.findings if before else []) + audit.findings), ('notice', audit.notices)):
        for code, i, why in lines:
            print(word, code, '-' if i is None else i, why, sep='\t')
    print('Not checked: that outcomes follow from facts and policy (no replay), co-hosts, holds, reviews, open broadcasts.')
    return 4 if audit.findings or before and before.findings else 0

if __name__ == '__main__':
    sys.exit(main())
