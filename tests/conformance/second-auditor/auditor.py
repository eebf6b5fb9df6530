#!/usr/bin/env python3
"""A second auditor for livegate's logs and evidence bundles, written from docs/spec/{record,log,evidence}.md alone (see README.md)."""
import argparse, base64, hashlib, json, os, re, sys
from collections import Counter, deque
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate
INF, MAX = float('inf'), 2**53 - 1
CHAIN = ('decision', 'strike', 'reversal', 'broadcast', 'review')
KINDS = CHAIN + ('policy', 'incident', 'key', 'heartbeat', 'erasure', 'closing', 'predecessor', 'activation', 'access')
class Fault(Exception):  # a code of the specification, and more words
    code = property(lambda self: self.args[0])
class Unfinished(Exception):  # the audit could not be finished
    pass

# --- Ed25519 (RFC 8032, verification only): S below the order, canonical points, S*B - h*A compared with R byte for byte ---
P, ORDER, ZERO = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493, (0, 1, 1, 0)
D = -121665 * pow(121666, -1, P) % P
def add(p, q):
    a, b, c, d = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0]), 2 * D * p[3] * q[3] % P, 2 * p[2] * q[2]
    e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
    return e * f % P, g * h % P, f * g % P, e * h % P
def point(raw):
    sign, y = divmod(int.from_bytes(raw, 'little'), 2**255)
    u = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(u, (P + 3) // 8, P)
    x = x if (x * x - u) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P) if y < P and (x * x - u) % P == 0 and x < P else None
def comb(p):  # row i, column j: j * 16^i * p
    rows = []
    for _ in range(64):
        rows.append(list(accumulate([p] * 15, add, initial=ZERO)))
        p = add(rows[-1][-1], p)
    return rows
BASE = comb(point(bytes.fromhex('58' + '66' * 31)))
@lru_cache(64)
def negated(public):
    p = point(public)
    return p and comb((P - p[0], p[1], 1, P - p[3]))
def verify(public, message, signature):
    rows, s, acc = negated(public), int.from_bytes(signature[32:], 'little'), ZERO
    if len(signature) != 64 or rows is None or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), 'little') % ORDER
    for i in range(64):
        acc = add(add(acc, BASE[i][s >> 4 * i & 15]), rows[i][h >> 4 * i & 15])
    z = pow(acc[2], -1, P)
    return (acc[1] * z % P | (acc[0] * z % P & 1) << 255).to_bytes(32, 'little') == signature[:32]

# --- one spelling of hashes, base64 and JSON; ValueError for any other ---
def sha(*parts):
    return hashlib.sha256(b''.join(parts)).digest()
def b64u(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b'=').decode()
def canonical(text, raw, again):
    if again != text:
        raise ValueError('another spelling')
    return raw
def unb64u(text):
    raw = base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
    return canonical(text, raw, b64u(raw))
def unb64(text):
    raw = base64.b64decode(text, validate=True)
    return canonical(text, raw, base64.b64encode(raw).decode())
def number(f):  # as ECMAScript writes a double
    if f in (INF, -INF) or f != f:
        raise ValueError('no JSON number')
    sign, digits, exp = Decimal(repr(f)).normalize().as_tuple()
    digits, k, n = ''.join(map(str, digits)), len(digits), len(digits) + exp
    return '-' * sign + (digits + '0' * (n - k) if k <= n <= 21 else digits[:n] + '.' + digits[n:] if 0 < n <= 21 else
                         '0.' + '0' * -n + digits if -6 < n <= 0 else digits[0] + ('.' + digits[1:] if k > 1 else '') + 'e%+d' % (n - 1))
def spell(v):
    if isinstance(v, str):
        return re.sub('[\ud800-\udfff]', lambda m: '\\u%04x' % ord(m[0]), json.dumps(v, ensure_ascii=False))
    if isinstance(v, dict):
        return '{' + ','.join(spell(k) + ':' + spell(x) for k, x in v.items()) + '}'
    if isinstance(v, list):
        return '[' + ','.join(map(spell, v)) + ']'
    return number(v) if isinstance(v, float) else json.dumps(v)
def whole(text):
    return int(text) if abs(int(text)) <= MAX else float(text)
def loads(text):
    try:
        return json.loads(text, parse_int=whole, parse_constant=lambda _: number(INF))
    except RecursionError:
        raise ValueError('too deep')
def unjson(text):
    value = loads(text)
    return canonical(text, value, spell(value))

# --- the claims table: a shape gives None or the code of the first fault ---
def ok(test):
    return lambda v: None if test(v) else 'claim_malformed'
def text(lo, hi, form=r'(?s:.*)'):
    return ok(lambda v: isinstance(v, str) and lo <= len(v) + sum(c > '\uffff' for c in v) <= hi and re.fullmatch(form, v))
def num(lo=0, hi=MAX):
    return ok(lambda v: type(v) is int and lo <= v <= hi)
def one(*words):
    return ok(lambda v: isinstance(v, str) and v in words)
def null(shape):
    return lambda v: None if v is None else shape(v)
def many(shape, hi, lo=0):
    return lambda v: next(filter(None, map(shape, v)), None) if type(v) is list and lo <= len(v) <= hi else 'claim_malformed'
def rec(members):
    shapes = {k.rstrip('?'): s for k, s in members.items()}
    def check(v):
        if type(v) is not dict:
            return 'claim_malformed'
        unknown = lambda _: 'claim_unclassified'
        return next(filter(None, (shapes.get(k, unknown)(x) for k, x in v.items())), None) or (
            'claim_missing' if any(k in shapes and k not in v for k in members) else None)
    return check
def named(name, shape, hi):
    return ok(lambda v: type(v) is dict and len(v) <= hi and all(re.fullmatch(name, k) and not shape(x) for k, x in v.items()))
VISIBLE, DIGEST_RE = r'[!-~]*', '[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]'
DIGEST, RANDOM, POLICY, BOOL = text(43, 43, DIGEST_RE), text(22, 64, '[A-Za-z0-9_-]*'), text(50, 50, 'sha256-' + DIGEST_RE), ok(lambda v: type(v) is bool)
INSTANT, WORD, ID, NAME = num(-62135596800000, 253402300799999), text(1, 64), text(1, 128), text(1, 256)
COUNT, REASON, ORIGIN, OUTCOME = num(), text(0, 2048), text(1, 256, '[!-*,-~]*'), one('allow', 'deny', 'delay')
UNTIL = ok(lambda v: v == 'forever' or not INSTANT(v))
SD = ok(lambda v: type(v) is list and len(v) == 5 and not any(map(DIGEST, v)) and all(a < b for a, b in zip(v, v[1:])))
SOURCE = rec({'system': WORD, 'kind': one('human', 'model', 'authority', 'flagger', 'import')})
STRIKE = rec({'id': ID, 'subject': NAME, 'category': ID, 'severity': one('low', 'medium', 'high', 'critical'), 'weight': num(1, 1000),
              'issued_at': INSTANT, 'effective_at': INSTANT, 'notified_at?': INSTANT, 'content_created_at?': INSTANT, 'expires_at?': INSTANT,
              'scope': WORD, 'context?': WORD, 'source?': SOURCE, 'evidence_hash?': NAME, 'status': one('active', 'reversed')})
FACT = rec({'created_at?': INSTANT, 'followers?': COUNT, 'age_band?': WORD, 'verified?': BOOL, 'labels?': many(WORD, 64), 'linked?': many(NAME, 64)})
HOST = rec({'subject': NAME, 'facts': FACT, 'sources': named('[a-z_]{1,32}', rec({'from': one('stored', 'request'), 'as_of': INSTANT}), 16),
            'strikes': many(STRIKE, 4096), 'holds': many(rec({'rule': NAME, 'first_asked_at': INSTANT}), 4096), 'open_broadcasts': COUNT,
            'reviews': many(rec({'rule': NAME, 'result': one('released', 'refused'), 'at': INSTANT}), 4096),
            'suppressions?': many(rec({'rule': NAME, 'from': INSTANT, 'until': UNTIL, 'id': ID}), 64, 1)})
FACTS = {'at': INSTANT, 'hosts': many(HOST, 17, 1), 'supports': many(WORD, 32), 'request': rec({'territory?': WORD, 'ingest?': WORD}),
         'stream': rec({'id?': NAME, 'audience?': WORD, 'category?': ID, 'admission?': WORD, 'one_to_many?': BOOL}),
         'incident': rec({'active': BOOL, 'id?': ID, 'scope?': ID}), 'platform': rec({'moderation_available?': BOOL})}
DUTY = named('[A-Za-z_][A-Za-z0-9_]{0,63}', ok(lambda v: type(v) in (int, float, bool) or not text(0, 1024)(v)), 32)
RESTRICTION = {'id': ID, 'subject': NAME, 'rule': NAME, 'from': INSTANT, 'until': UNTIL, 'opened_by?': ID, 'strikes': many(ID, 4096)}
RESULT = {'mode': null(one('hold', 'review', 'retry', 'broadcast')), 'until': null(UNTIL), 'not_before': null(INSTANT), 'lease_until': null(INSTANT),
          'review': null(rec({'queue': WORD, 'by': INSTANT, 'at_deadline': one('deny', 'allow')})), 'retry_after_s': null(COUNT),
          'broadcast_delay_s': null(COUNT), 'rules': many(NAME, 1000), 'exemptions': many(NAME, 1000), 'obligations': many(DUTY, 64),
          'restrictions': many(rec(RESTRICTION), 17000), 'holds_opened': many(rec({'host': num(0, 16), 'rule': NAME}), 17000),
          'unknown': many(rec({'rule': NAME, 'host': num(0, 16), 'facts': many(NAME, 256)}), 17000)}
COMMON = {'iss': text(1, 256, VISIBLE), 'jti': RANDOM, 'iat': num(0, 253402300799), 'engine': WORD, 'log': ORIGIN, 'mmd': num(1, 604800)}
PUBLIC = {kind: rec(COMMON | ({'_sd': SD, '_sd_alg': one('sha-256')} if kind in CHAIN else {}) | own) for kind, own in {
    'decision': {'outcome': OUTCOME, 'policy': POLICY, 'revision?': num(1)}, 'broadcast': {'policy?': POLICY, 'revision?': num(1)},
    'strike': {}, 'reversal': {}, 'review': {}, 'incident': {'active': BOOL, 'id?': ID, 'scope?': ID},
    'policy': {'digest': POLICY, 'part': num(1, 4096), 'of': num(1, 4096), 'text': text(0, 5462, '[A-Za-z0-9_-]*')},
    'key': {'jwk': rec({'kty': one('OKP'), 'crv': one('Ed25519'), 'x': DIGEST}), 'use': one('record', 'checkpoint'),
            'status': one('active', 'retired', 'revoked'), 'from?': COUNT},
    'heartbeat': {'from_index': COUNT, 'to_index': COUNT, 'totals': named('|'.join(KINDS), COUNT, 99), 'shed': COUNT},
    'erasure': {'sub': RANDOM, 'last_seq?': COUNT, 'scope': one('subject', 'full', 'retention'), 'basis': NAME,
                'counts': named('[a-z_]{1,64}', COUNT, 32), 'strikes?': many(DIGEST, 64, 1)},
    'closing': {'successors': many(ORIGIN, 64, 1)},
    'predecessor': {'predecessor': ORIGIN, 'vkey': text(1, 512, VISIBLE), 'checkpoint': text(1, 2048), 'keys': many(DIGEST, 32, 1)},
    'activation': {'revision': num(1), 'digest': POLICY, 'name': text(1, 100), 'active_from': INSTANT, 'scheduled': BOOL, 'previous': null(num(1)),
                   'cause': one('activation', 'rollback', 'cancellation'), 'source': one('file', 'bundle', 'api'), 'by': NAME, 'note?': text(1, 512)},
    'access': {'by': NAME, 'via': one('records', 'decision', 'subject_export', 'challenge'), 'count': num(1), 'digest': DIGEST,
               'groups': many(one('chain', 'result', 'subject', 'request', 'facts'), 5)}}.items()}
REQUEST = {'caller': NAME, 'stream?': NAME, 'territory?': WORD, 'ingest?': WORD, 'idempotency?': RANDOM, 'supersedes?': RANDOM, 'server?': ID,
           'session?': NAME, 'enforcer?': RANDOM, 'enf_seq?': num(1)}
GROUPS = {'chain': dict.fromkeys(CHAIN, rec({'sub': RANDOM, 'seq': num(1), 'prev': null(DIGEST), 'at': INSTANT})),
          'subject': dict.fromkeys(CHAIN, rec({'subject': NAME, 'cohosts': many(NAME, 16)})), 'request': dict.fromkeys(CHAIN, rec(REQUEST)),
          'result': dict.fromkeys(CHAIN, rec({})) | {'decision': rec(RESULT), 'broadcast': rec({k + '?': s for k, s in RESULT.items()} | {'outcome?': OUTCOME})},
          'facts': {'decision': rec(FACTS), 'strike': rec({'strike': STRIKE, 'received_at': INSTANT}),
                    'reversal': rec({'strike': ID, 'reason': REASON, 'decided_by?': NAME, 'at': INSTANT}),
                    'broadcast': rec({'event': one('renewed', 'ended', 'cut', 'ungated'), 'broadcast': RANDOM, 'reason?': REASON, 'facts?': rec(FACTS)}),
                    'review': rec({'rule': NAME, 'result': one('released', 'refused'), 'stream?': NAME, 'decision?': RANDOM, 'decided_by?': NAME,
                                   'reason?': REASON, 'at': INSTANT})}}

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
        renewed = ['outcome', *RESULT] if facts.get('event') == 'renewed' else []
        if chain and ((chain['prev'] is None) != (chain['seq'] == 1) or f.get('at', chain['at']) != chain['at']) or 'hosts' in f and (
                chain and f['hosts'][0]['subject'] != chain['sub'] or cohosts is not None and len(cohosts) + 1 != len(f['hosts'])) or renewed and (
                'facts' not in facts or set(groups.get('result', renewed)) != set(renewed)):
            raise Fault('groups_disagree')
        self.groups = groups

class Keys:  # intervals of keys by use and thumbprint: [x, begins, ends], of indexes or of sizes
    def __init__(self):
        self.spans = {'record': {}, 'checkpoint': {}}
    def take(self, i, c):
        x, spans, active = c['jwk']['x'], self.spans[c['use']], c['status'] == 'active'
        kid = b64u(sha(b'{"crv":"Ed25519","kty":"OKP","x":"%s"}' % x.encode()))
        span = spans.get(kid)
        if 'from' in c and c['status'] != 'revoked' or (span[2] <= i if span and active else not span and not active):
            raise Fault('key_record', kid)
        if not span:
            spans[kid] = [x, i + 1 if i else 0, INF]
        elif not active:
            span[2] = min(span[2], c.get('from', i + 1))
        return kid
    def signer(self, i, r):  # steps 4 and 5 for the entry at i; entry 0 brings its own key
        if i == 0 and (r.kind != 'key' or (r.c['use'], r.c['status']) != ('record', 'active') or self.take(0, r.c) != r.kid):
            raise Fault('first_not_key')
        span = self.spans['record'].get(r.kid)
        if not span or not span[1] <= i < span[2]:
            raise Fault('key_not_in_force' if span else 'key_unknown', r.kid)
        return r.signed_by(span[0])

class Texts:  # policy texts from their parts: digest to the index at which it was complete
    def __init__(self):
        self.parts, self.done = {}, {}
    def take(self, i, c):
        if c['digest'] in self.done:
            return
        parts = self.parts.setdefault(c['digest'], {})
        parts[c['part']] = c
        if c['part'] > c['of'] or len(parts) >= c['of']:
            del self.parts[c['digest']]
            try:
                same = 'sha256-' + b64u(sha(*(unb64u(parts[k]['text']) for k in sorted(parts)))) == c['digest']
            except ValueError:
                same = False
            if not same or c['part'] > c['of'] or any(p['of'] != c['of'] for p in parts.values()):
                raise Fault('policy_parts', c['digest'])
            self.done[c['digest']] = i

# --- notes, checkpoints, trees, files ---
class Vkey:
    def __init__(self, text):
        self.text, (self.name, kid, key) = text, text.split('+', 2)
        raw = unb64(key)
        self.type, self.key, self.id = raw[:1], raw[1:], sha(self.name.encode(), b'\n', raw)[:4]
        if self.id.hex() != kid or len(raw) != 33 or not re.fullmatch(r'[^\s\0-\x1f\x7f-\x9f]+', self.name):
            raise ValueError('the id of a verifier key does not fit')

class Checkpoint:
    def __init__(self, raw):
        if not raw.endswith(b'\n') or re.search(rb'[\0-\x09\x0b-\x1f]', raw) or b'\n\n' not in raw:
            raise ValueError('not a signed note')
        cut, self.lines = raw.rindex(b'\n\n'), []
        self.body = raw[:cut + 1]
        for line in raw[cut + 2:-1].decode().split('\n'):
            m = re.fullmatch(r'— ([^\s+]+) (\S+)', line)
            if not m or len(unb64(m[2])) < 5 or len(self.lines) == 64:
                raise ValueError('not a signature line')
            self.lines.append((m[1], unb64(m[2])))
        self.origin, size, root, *more = self.body.decode().split('\n')[:-1]
        self.size, self.root = int(size), unb64(root)
        if str(self.size) != size or not 0 <= self.size <= MAX or len(self.root) != 32 or '' in more or not self.origin:
            raise ValueError('not a checkpoint')
    def signed(self, name, kind, key):  # None: no line of that key; False: one that does not hold; else True, of a cosignature its time
        key_id, found = sha(name.encode(), b'\n', kind, key)[:4], []
        for sig in (sig[4:] for n, sig in self.lines if n == name and sig[:4] == key_id):
            time, body = (int.from_bytes(sig[:8], 'big'), sig[8:]) if kind == b'\4' else (True, sig)
            found.append(0 < time <= MAX and verify(key, (b'cosignature/v1\ntime %d\n' % time if kind == b'\4' else b'') + self.body, body) and time)
        return None if not found else min(found) if all(found) else False
    def by(self, k):
        return self.signed(k.name, k.type, k.key)

def levels(leaves):
    out = [leaves]
    while len(out[-1]) > 1:
        row = out[-1]
        out.append([sha(b'\1', row[j], row[j + 1]) for j in range(0, len(row) - 1, 2)] + row[len(row) & ~1:])
    return out
def root_of(leaves):
    return levels(leaves)[-1][0] if leaves else sha()
def climb(proof, fn, sn, start):  # (root of the old tree, root of the new one); for an inclusion the second alone means something
    first = second = start
    for p in proof:
        if not sn:
            return None, None
        if fn & 1 or fn == sn:
            first, second = sha(b'\1', p, first), sha(b'\1', p, second)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = sha(b'\1', second, p)
        fn, sn = fn >> 1, sn >> 1
    return (None, None) if sn else (first, second)
def tile(directory, level, n, w):  # the first w parts of a file, from the full one where that has taken the partial one's place
    *high, low = f'{n:,}'.split(',')
    name = '/'.join([f'x{int(g):03}' for g in high] + [f'{int(low):03}'])
    for path, full in ([(f'{name}.p/{w}', False)] if w < 256 else []) + [(name, True)]:
        try:
            with open(os.path.join(directory, 'tile', level, path), 'rb') as f:
                return f.read(), full
        except OSError:
            pass
    return None, False
def entries_of(directory, size):
    for n in range(-(-size // 256)):
        w, at, cut = min(256, size - 256 * n), 0, []
        data, full = tile(directory, 'entries', n, w)
        while data and at < len(data):
            end = at + 2 + int.from_bytes(data[at:at + 2], 'big')
            cut.append(data[at + 2:end])
            at = end
        if data is None or at != len(data) or len(cut) != (256 if full else w):
            raise Unfinished(f'entries file {n} of {w} is missing or none')
        yield from cut[:w]

class Chain:  # what is kept of one pseudonym
    def __init__(self, unopened=0):
        self.seq, self.at, self.leaves, self.unopened, self.strikes, self.whole, self.erased, self.gone = 0, -INF, {}, unopened, {}, True, False, set()

class Audit:
    def __init__(self, directory, vkeys, disclosures, before=None, trusted=None):
        self.findings, self.notices, self.before, self.disclosures, self.size = [], [], before, disclosures, 0
        try:
            with open(os.path.join(directory, 'checkpoint'), 'rb') as f:
                self.tree = Checkpoint(f.read())
        except (OSError, ValueError) as e:
            raise Unfinished(f'checkpoint: {e}')
        self.vkeys = [k for k in vkeys if k.name == self.tree.origin and k.type == b'\1']
        said = [self.tree.by(k) for k in self.vkeys]
        if False in said or True not in said:
            return self.find('checkpoint_key', None, 'the verifier key has not signed the checkpoint')
        self.leaves, self.kinds, self.signers, self.keys, self.texts, self.issuer = [], [], {}, Keys(), Texts(), None
        self.activations, self.recent, self.chained, self.numbers, self.access = {}, deque(maxlen=64), 0, {}, Counter()
        self.chains, self.unopened = (before.chains, before.unopened) if before else ({}, 0)
        self.beat, self.last_beat, self.newest, self.closing, self.predecessor = 0, INF, 0, None, None
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
        if r.c['iss'] != self.issuer or r.c['log'] != self.tree.origin:
            raise Fault('issuer' if r.c['iss'] != self.issuer else 'log')
        if not self.keys.signer(i, r):
            self.find('signature', i)
        self.signers[i] = r.kid
        if r.kind not in CHAIN:
            known = r.leaf in self.recent
            self.recent.append(r.leaf)
            return None if known else getattr(self, 'on_' + r.kind, lambda *_: None)(i, r.c)
        self.chained += 1
        try:
            r.open(self.disclosures.get(r.leaf, ()))
        except Fault as fault:
            self.find(fault.code, i, *fault.args[1:])
        if 'policy' in r.c:
            self.decided(i, r.c, r.groups.get('chain', {}).get('at', 1000 * r.c['iat'] + 999))
        if 'enf_seq' in (q := r.groups.get('request', {})):
            if self.numbers.setdefault((q.get('server'), q.get('enforcer')), {}).setdefault(q['enf_seq'], r.leaf) != r.leaf:
                self.find('enforcer_repeat', i)
        self.link(i, r, r.groups.get('chain'))
    def on_key(self, i, c):
        return i and self.keys.take(i, c)
    def on_policy(self, i, c):
        self.texts.take(i, c)
    def decided(self, i, c, at):
        if c['policy'] not in self.texts.done:
            self.find('policy_not_logged', i)
        if self.activations or 'revision' in c:
            a = self.activations.get(c.get('revision'))
            if not a or a['digest'] != c['policy'] or a['active_from'] > at:
                self.find('policy_not_active', i)
            elif any(n > a['revision'] and at >= max(b['active_from'], 1000 * b['iat']) + 60000 for n, b in self.activations.items()):
                self.find('policy_outdated', i)
    def on_activation(self, i, c):
        last = max(self.activations, default=0)
        if c['digest'] not in self.texts.done:
            self.find('policy_not_logged', i)
        if last and (c['revision'] != last + 1 or c['previous'] not in self.activations):
            self.find('activation_order', i)
        if c['revision'] > last:
            self.activations[c['revision']] = c
    def on_heartbeat(self, i, c):
        lo, hi, self.last_beat = c['from_index'], c['to_index'], c['iat']
        if lo != self.beat or not lo <= hi <= i:
            self.find('heartbeat_gap', i)
        elif Counter(filter(None, self.kinds[lo:hi])) != Counter(c['totals']):
            self.find('heartbeat_totals', i)
        self.beat = max(self.beat, min(hi, i))
    def on_access(self, i, c):
        self.access[c['by']] += c['count']
    def on_closing(self, i, c):
        self.closing = c
    def on_predecessor(self, i, c):
        if self.predecessor or self.chained:
            raise Fault('predecessor_late')
        self.predecessor, b = c, self.before
        if not b:
            return self.note('predecessor_unchecked', i)
        try:
            told = Checkpoint(c['checkpoint'].encode())
            same = (told.origin, told.size, told.root) == (b.tree.origin, b.tree.size, b.tree.root)
        except ValueError:
            same = False
        keys = {span[0] for span in b.keys.spans['record'].values()} | set((b.predecessor or {'keys': ()})['keys'])
        for good, what in ((c['vkey'] in [k.text for k in b.vkeys], 'vkey'), (same, 'checkpoint'), (set(c['keys']) == keys, 'keys')):
            if not good:
                self.find('predecessor_false', i, what)
        if b.kinds[-1] != 'closing' or self.tree.origin not in b.closing['successors']:
            self.find('predecessor_open', i)
    def on_erasure(self, i, c):
        s = self.chains.setdefault(c['sub'], Chain())
        s.gone |= set(c.get('strikes', ()))
        s.erased = s.erased or c['scope'] != 'retention'
        if c['scope'] != 'retention' and s.seq > c.get('last_seq', INF):
            self.find('erased_chain', i)
    def link(self, i, r, link):
        if not link:
            self.unopened += 1
            return
        s = self.chains.setdefault(link['sub'], Chain())
        seq, missing = link['seq'], link['seq'] - s.seq - 1
        if missing < 0:
            return None if s.leaves.get(seq) == r.leaf else self.find('chain_fork', i)
        if s.erased:
            self.find('erased_chain', i)
        if not missing and link['prev'] != (b64u(s.leaves[s.seq]) if s.seq else None):
            self.find('chain_prev', i)
        if missing:
            if not s.seq and self.predecessor and not self.before:
                self.note('chain_elsewhere', i)
            else:
                self.note('chain_unopened', i) if self.unopened - s.unopened >= missing else self.find('chain_gap', i)
            s.whole = False
        if link['at'] < s.at:
            self.find('chain_time', i)
        s.seq, s.at, s.unopened, s.leaves[seq] = seq, link['at'], self.unopened, r.leaf
        s.leaves = dict(list(s.leaves.items())[-16:])
        self.history(i, r, s)
    def history(self, i, r, s):  # strikes and reversals of the chain against those its facts list
        facts = r.groups.get('facts', {})
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
        logged = [(x, self.tree.signed(self.tree.origin, b'\1', unb64u(x))) for x, begin, end in spans if begin <= size <= end]
        if spans and (False in [s for _, s in logged] or True not in [s for _, s in logged]):
            self.find('checkpoint_key', None, 'no key in force has signed, or one falsely')
        for code, told in (('checkpoint_key_new', [x for x, _ in logged if unb64u(x) not in [k.key for k in self.vkeys]]),
                           ('key_revoked', [i for i, kid in self.signers.items() if i >= self.keys.spans['record'][kid][2]]),
                           ('heartbeat_late', self.newest - self.last_beat > 3900),
                           ('enforcer_gap', [who for who, seen in self.numbers.items() if max(seen) > len(seen)])):
            if told:
                self.note(code, None, told)
        if self.before and not self.predecessor and self.before.closing and self.tree.origin in self.before.closing['successors']:
            self.find('predecessor_missing', None)

# --- evidence bundles ---
FORM = {'format': text(0, MAX), 'decision': COUNT, 'vkeys': many(text(0, 512), 16), 'witnesses': many(text(0, 512), 16), 'checkpoint': text(0, 524288),
        'since': null(rec(SINCE := {'checkpoint': text(0, 524288), 'proof': many(DIGEST, 54)})),
        'entries': many(rec(ENTRY := {'index': COUNT, 'record': text(1, 16784384), 'proof': many(DIGEST, 54)}), 4096, 1)}
CLASSES = {'unreadable': 'too_large not_utf8 too_deep not_json not_evidence version_unknown malformed spelling',
           'altered': 'vkey_false witness_false checkpoint_malformed checkpoint_unsigned checkpoint_signature origin since_false consistency inclusion '
                      'presentation disclosure_unmatched disclosure_repeated entry_unneeded decision_missing',
           'lie': 'fork record signature first_not_key key_record key_not_in_force disclosure_false chain_fork chain_prev chain_time policy_parts '
                  'policy_not_active policy_outdated activation_order strike_altered strike_invented reversal_ignored reversal_invented future',
           'unfinished': 'quorum_missed since_other key_missing key_after key_revoked policy_missing policy_after activation_missing activation_after '
                         'from_future'}
def bundle(raw, vkeys, witnesses, quorum, trusted, now, faults):  # steps 1 to 7 and 9 of Checking; a Fault raised ends the check
    def say(good, code, i=None):
        return good or faults.append((code, i))
    def must(good, code):
        if not good:
            raise Fault(code)
    def attempt(f, *args):
        try:
            return f(*args)
        except ValueError:
            return None
    must(len(raw) <= 1 << 26, 'too_large')
    must((body := attempt(raw.decode)) is not None, 'not_utf8')
    brackets = re.findall(r'[][{}]', re.sub(r'"(?:[^"\\]|\\.)*"', '', body))
    must(max(accumulate((1 if c in '[{' else -1 for c in brackets), initial=0)) <= 4, 'too_deep')
    must((v := attempt(lambda: [loads(body)])) is not None, 'not_json')
    v = v[0]
    must(type(v) is dict and str(v.get('format')).startswith('livegate-evidence/'), 'not_evidence')
    must(v['format'] == 'livegate-evidence/v1', 'version_unknown')
    must(not rec(FORM)(v), 'malformed')
    rising = [[k.encode('utf-16-be', 'surrogatepass') for k in v[m]] for m in ('vkeys', 'witnesses')] + [[e['index'] for e in v['entries']]]
    must(spell(v) + '\n' == body and list(v) == list(FORM) and list(v['since'] or SINCE) == list(SINCE) and
         all(list(e) == list(ENTRY) for e in v['entries']) and all(a < b for r in rising for a, b in zip(r, r[1:])), 'spelling')
    must(tree := attempt(lambda: Checkpoint(v['checkpoint'].encode())), 'checkpoint_malformed')
    must(False not in [tree.by(k) for k in vkeys + witnesses], 'checkpoint_signature')
    must(any(tree.by(k) for k in vkeys), 'checkpoint_unsigned')
    must(any(tree.by(k) and k.name == tree.origin for k in vkeys), 'origin')
    times = {k.name: t for k in witnesses if (t := tree.by(k))}
    say(len(times) >= quorum, 'quorum_missed')
    for member, kind, code in (('vkeys', b'\1', 'vkey_false'), ('witnesses', b'\4', 'witness_false')):
        for k in [attempt(Vkey, k) for k in v[member]]:
            say(k and k.type == kind and (kind == b'\4' or k.name == tree.origin) and tree.by(k), code)
    older = v['since'] and attempt(lambda: Checkpoint(v['since']['checkpoint'].encode()))
    if v['since']:
        said = [older.by(k) for k in vkeys] if older else []
        if say(older and older.origin == tree.origin and older.size <= tree.size and True in said and False not in said, 'since_false'):
            proof, fn, sn = [unb64u(h) for h in v['since']['proof']], older.size - 1, tree.size - 1
            say(older.size < tree.size or older.root == tree.root, 'fork')
            if 0 < older.size < tree.size:
                proof = [older.root] * (older.size & fn == 0) + proof
                while fn & 1:
                    fn, sn = fn >> 1, sn >> 1
                say(proof and climb(proof[1:], fn, sn, proof[0]) == (older.root, tree.root), 'consistency')
            else:
                say(not proof, 'consistency')
    if trusted:
        joined = [t for t in (tree, older) if t and t.size == trusted.size]
        say(all(t.root == trusted.root for t in joined), 'fork')
        say(joined, 'since_other')
    records = {}
    for e in v['entries']:
        i, (jws, *more) = e['index'], e['record'].split('~')
        if not say(more and not more.pop() and len(more) <= 5, 'presentation', i):
            continue
        say(i < tree.size and climb(map(unb64u, e['proof']), i, tree.size - 1, sha(b'\0', jws.encode()))[1] == tree.root, 'inclusion', i)
        try:
            r = Record(jws.encode())
            say(r.c['log'] == tree.origin, 'record', i)
            say(r.kind in ('decision', 'strike', 'reversal', 'key', 'policy', 'activation'), 'entry_unneeded', i)
            if say(all(b64u(sha(d.encode())) in r.c.get('_sd', ()) for d in more), 'disclosure_unmatched', i) and say(
                    len(set(more)) == len(more), 'disclosure_repeated', i):
                records[i] = r
                r.open(more)
        except Fault as f:
            say(None, 'disclosure_false' if i in records else 'record', i)
    if any(code in CLASSES['altered'].split() for code, _ in faults):
        return
    keys, texts, seen = Keys(), Texts(), set()
    thumbs = [b64u(sha(b'{"crv":"Ed25519","kty":"OKP","x":"%s"}' % r.c['jwk']['x'].encode())) for r in records.values() if r.kind == 'key']
    for i, r in records.items():
        try:
            say(keys.signer(i, r), 'signature', i)
            if r.kind == 'key' and i and r.leaf not in seen:
                keys.take(i, r.c)
            seen.add(r.leaf)
        except Fault as f:
            say(None, f.code if f.code != 'key_unknown' else 'key_after' if r.kid in thumbs else 'key_missing', i)
    for i, r in records.items():
        say((i, 'key_not_in_force') in [f[::-1] for f in faults] or i < keys.spans['record'].get(r.kid, [0, 0, INF])[2], 'key_revoked', i)
    must([i for i, r in records.items() if r.kind == 'decision'] == [v['decision']], 'decision_missing')
    at, decision = v['decision'], records[v['decision']]
    mine, links = decision.groups.get('chain'), {}
    for i, r in records.items():
        if c := r.groups.get('chain'):
            say(links.setdefault(c['sub'], {}).setdefault(c['seq'], (i, r))[1].leaf == r.leaf, 'chain_fork', i)
    for chain in links.values():
        row = [chain[seq] for seq in sorted(chain)]
        for (_, a), (i, b) in zip(row, row[1:]):
            x, y = a.groups['chain'], b.groups['chain']
            say(x['seq'] + 1 < y['seq'] or y['prev'] == b64u(a.leaf), 'chain_prev', i)
            say(x['at'] <= y['at'], 'chain_time', i)
    listed = {t['id']: t for h in decision.groups.get('facts', {}).get('hosts', ()) for t in h['strikes']}
    for i, r in records.items():
        facts, c = r.groups.get('facts'), r.groups.get('chain')
        later = c['seq'] - mine['seq'] if c and mine and c['sub'] == mine['sub'] else 0
        if facts and r.kind == 'strike' and (t := listed.get(facts['strike']['id'])):
            say(t | {'status': 0} == facts['strike'] | {'status': 0}, 'strike_altered', i)
            say(later <= 0, 'strike_invented', i)
        elif facts and r.kind == 'reversal' and (t := listed.get(facts['strike'])):
            say(later >= 0 or t['status'] == 'reversed', 'reversal_ignored', i)
            say(later <= 0 or t['status'] == 'active', 'reversal_invented', i)
    acts = {}
    for i, r in records.items():
        if r.kind == 'policy' and r.c['digest'] == decision.c['policy']:
            try:
                texts.take(i, r.c)
            except Fault as f:
                say(None, f.code, i)
        elif r.kind == 'activation':
            say(acts.setdefault(r.c['revision'], (i, r))[1].leaf == r.leaf, 'activation_order', i)
    done, instant, revision = texts.done.get(decision.c['policy']), mine['at'] if mine else 1000 * decision.c['iat'] + 999, decision.c.get('revision')
    if say(done is not None or 'policy_parts' in [c for c, _ in faults], 'policy_missing') and done is not None:
        say(done < at, 'policy_after', done)
    if revision is None:
        say(not any(i < at for i, _ in acts.values()), 'policy_not_active', at)
    elif say(revision in acts, 'activation_missing'):
        i, a = acts[revision]
        say(i < at, 'activation_after', i)
        say(a.c['digest'] == decision.c['policy'] and a.c['active_from'] <= instant, 'policy_not_active', at)
        say(not any(n > revision and k < at and instant >= max(b.c['active_from'], 1000 * b.c['iat']) + 60000 for n, (k, b) in acts.items()),
            'policy_outdated', at)
    for i, r in records.items():
        say(not times or r.c['iat'] <= min(times.values()) + 600, 'future', i)
        say(not now or r.c['iat'] <= now + 600, 'from_future', i)

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
            faults = []
            try:
                bundle(open(a.evidence, 'rb').read(), a.vkey, a.witness, a.quorum, trusted, a.now, faults)
            except Fault as fault:
                faults.append((fault.code, None))
            for code, i in faults:
                print('fault', code, '-' if i is None else i, sep='\t')
            verdict = next((v for v, codes in CLASSES.items() if any(code in codes.split() for code, _ in faults)), 'holds')
            print(f'verdict\t{verdict}\nNot checked: the replay (step 8), and nothing that docs/spec/evidence.md says a bundle does not prove.')
            return {'holds': 0, 'altered': 4, 'lie': 4}.get(verdict, 1)
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
