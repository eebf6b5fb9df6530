"""Ed25519, the one spelling of base64 and JSON, and the claims table of docs/spec/record.md: what the second auditor reads with."""
import base64, hashlib, json, re
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate
INF, MAX = float('inf'), 2**53 - 1
CHAIN = ('decision', 'strike', 'reversal', 'broadcast', 'review')
KINDS = CHAIN + ('policy', 'incident', 'key', 'heartbeat', 'erasure', 'closing', 'predecessor', 'activation', 'access')

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
def numeric(text):
    return int(float(text)) if abs(float(text)) <= MAX and float(text) % 1 == 0 else float(text)
def loads(text):
    try:
        return json.loads(text, parse_int=numeric, parse_float=numeric, parse_constant=lambda _: number(INF))
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
    'strike': {}, 'reversal': {}, 'review': {},
    'incident': {'change': num(1), 'active': BOOL, 'id': ID, 'scope': ID, 'at': INSTANT, 'until?': INSTANT, 'expires_at?': INSTANT,
                 'confirmed?': BOOL, 'by': NAME, 'reason?': text(1, 512)},
    'policy': {'digest': POLICY, 'part': num(1, 4096), 'of': num(1, 4096), 'text': text(0, 5462, '[A-Za-z0-9_-]*')},
    'key': {'jwk': rec({'kty': one('OKP'), 'crv': one('Ed25519'), 'x': DIGEST}), 'use': one('record', 'checkpoint'),
            'status': one('active', 'retired', 'revoked'), 'from?': COUNT},
    'heartbeat': {'from_index': COUNT, 'to_index': COUNT, 'totals': named('|'.join(KINDS), COUNT, 99), 'shed': COUNT},
    'erasure': {'sub': RANDOM, 'last_seq?': num(1), 'scope': one('subject', 'full', 'retention'), 'basis': NAME,
                'counts': named('[a-z_]{1,64}', COUNT, 32), 'strikes?': many(DIGEST, 64, 1)},
    'closing': {'successors': many(ORIGIN, 64, 1)},
    'predecessor': {'predecessor': ORIGIN, 'vkey': text(1, 512, VISIBLE), 'checkpoint': text(1, 2048), 'keys': many(DIGEST, 32, 1)},
    'activation': {'revision': num(1), 'digest': POLICY, 'name': text(1, 100), 'active_from': INSTANT, 'scheduled': BOOL, 'previous': null(num(1)),
                   'cause': one('activation', 'rollback', 'cancellation'), 'source': one('file', 'bundle', 'api'), 'by': NAME, 'note?': text(1, 512)},
    'access': {'by': NAME, 'via': one('records', 'decision', 'subject_export', 'challenge'), 'count': num(1), 'digest': DIGEST,
               'groups': many(one('chain', 'result', 'subject', 'request', 'facts'), 5, 1)}}.items()}
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
