"""The one spelling of base64 and JSON, the claims table, and one record, by docs/spec/record.md."""
import base64, hashlib, json, re, subprocess
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
MAX, INF, ED25519 = 2**53 - 1, float('inf'), bytes.fromhex('302a300506032b6570032100')  # of a key in DER
PKEYUTL = 'openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey key -in message -sigfile signature'.split()
def verify(public, message, signature):
    with TemporaryDirectory() as directory:
        for name, raw in (('key', ED25519 + public), ('message', message), ('signature', signature)):
            Path(directory, name).write_bytes(raw)
        return subprocess.run(PKEYUTL, cwd=directory, capture_output=True).returncode == 0

def sha(*parts):
    return hashlib.sha256(b''.join(parts)).digest()
def same(text, again, value):
    if text != again:
        raise ValueError('another spelling')
    return value
def b64u(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b'=').decode()
def unb64u(text):
    raw = base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
    return same(text, b64u(raw), raw)
def unb64(text):
    raw = base64.b64decode(text, validate=True)
    return same(text, base64.b64encode(raw).decode(), raw)

def spell(v):  # as ECMAScript's JSON.stringify does
    if isinstance(v, dict):
        return '{' + ','.join(spell(name) + ':' + spell(x) for name, x in v.items()) + '}'
    if isinstance(v, list):
        return '[' + ','.join(map(spell, v)) + ']'
    if isinstance(v, float):
        plain = re.sub(r'\.0$', '', format(Decimal(repr(v)), 'f'))
        return plain if 1e-6 <= abs(v) < 1e21 else re.sub('e([+-])0', r'e\1', repr(v))
    return re.sub('[\ud800-\udfff]', lambda half: f'\\u{ord(half[0]):04x}', json.dumps(v, ensure_ascii=False))

def numeric(digits):
    v = float(digits)
    return int(v) if abs(v) <= MAX and v % 1 == 0 else v
def unjson(text):
    value = json.loads(text, parse_int=numeric, parse_float=numeric, parse_constant=int)
    return same(text, spell(value), value)

# The block `claims` of the page, in the notation described there: forms of values, and members of objects.
PAGE = (Path(__file__).resolve().parents[3] / 'docs/spec/record.md').read_text('utf-8')
ROWS = [line.split() for line in re.search(r'```claims\n(.*?)```', PAGE, re.S)[1].replace('\n ', '').splitlines()]
FORMS = {name: words[1] for name, *words in ROWS if words[:1] == ['=']}
MEMBERS = {name: dict(word.split(':', 1) for word in words) for name, *words in ROWS if words[:1] != ['=']}
KINDS, CHAIN = FORMS['Kind'].split('|'), FORMS['Chained'].split('|')
for kind in KINDS:
    linked = MEMBERS['linked.public'] if kind in CHAIN else {}
    MEMBERS[f'{kind}.public'] = MEMBERS['all.public'] | linked | MEMBERS.get(f'{kind}.public', {})
PLAIN = {'null': lambda v: v is None, 'false': lambda v: v is False, 'Boolean': lambda v: type(v) is bool,
         'Float': lambda v: type(v) in (int, float)}

def fault_of(form, v):
    """The code of the first thing wrong with a value, or None."""
    form, good = FORMS.get(form, form), False
    if '|' in form and form[0] != '/':
        faults = [fault_of(one, v) for one in form.split('|')]
        return None if None in faults else faults[0]
    if form in MEMBERS and type(v) is dict:
        members = {name.rstrip('?'): one for name, one in MEMBERS[form].items()}
        faults = (fault_of(members[name], x) if name in members else 'claim_unclassified' for name, x in v.items())
        missing = any(name not in v and name[-1] != '?' for name in MEMBERS[form])
        return next(filter(None, faults), 'claim_missing' if missing else None)
    if form[0] == '/' and isinstance(v, str):  # of UTF-16 code units
        good = re.fullmatch(form[1:-1], re.sub('[\U00010000-\U0010ffff]', '\ud800\udc00', v), re.S)
    elif m := re.fullmatch(r'([\w.]+)\*(?:(\d+)\.\.)?(\d+)(\^?)', form):
        ordered = type(v) is list and (not m[4] or v == sorted({*map(str, v)}))
        if ordered and int(m[2] or 0) <= len(v) <= int(m[3]):
            return next(filter(None, (fault_of(m[1], x) for x in v)), None)
    elif m := re.fullmatch(r'(\w+)=(\w+)\*(\d+)', form):
        good = type(v) is dict and len(v) <= int(m[3]) and not any(
            fault_of(m[1], name) or fault_of(m[2], x) for name, x in v.items())
    elif m := re.fullmatch(r'(-?\d+)\.\.(\d+)', form):
        good = type(v) is int and int(m[1]) <= v <= int(m[2])
    else:
        good = PLAIN[form](v) if form in PLAIN else v == form and form not in MEMBERS
    return None if good else 'claim_malformed'

class Fault(Exception):
    """Its argument is a code of the page."""
def check(good, code):
    if not good:
        raise Fault(code)
def attempt(code, f, *args):
    try:
        return f(*args)
    except (ValueError, TypeError, RecursionError):
        raise Fault(code)

def disclosed(text):
    salt, group, claims = parts = unjson(unb64u(text).decode())
    if [*map(type, (parts, *parts))] != [list, str, str, dict] or len(unb64u(salt)) != 16:
        raise ValueError('no disclosure')
    return group, claims

class Record:
    """Steps 1 to 3 of Verification; `c` are the public claims, `groups` those that are opened."""
    def __init__(self, raw):
        check(len(raw) <= 7168, 'too_large')
        check(raw.isascii() and raw.count(b'.') == 2, 'malformed')
        head, body, signature = raw.decode().split('.')
        head, body = (attempt('malformed', lambda: unb64u(part).decode()) for part in (head, body))
        header = attempt('json', unjson, head)
        check(type(header) is dict, 'json')
        check(header.get('alg') == 'Ed25519', 'algorithm')
        self.kind, self.kid = str(header.get('typ'))[9:-4], header.get('kid')
        check(self.kind in KINDS and header['typ'] == f'livegate-{self.kind}+jwt', 'type_unknown')
        check(list(header) == ['alg', 'typ', 'kid'] and not fault_of('Digest', self.kid), 'header')
        self.signature, self.signed = attempt('malformed', unb64u, signature), raw[:raw.rindex(b'.')]
        check(len(self.signature) == 64, 'malformed')
        self.leaf, self.groups, self.c = sha(b'\0', raw), {}, attempt('json', unjson, body)
        fault = fault_of(f'{self.kind}.public', self.c) if type(self.c) is dict else 'json'
        check(not fault, fault)
    def open(self, disclosures):  # step 7: all of them, or none
        groups = {}
        for text in disclosures:
            group, claims = attempt('disclosure_malformed', disclosed, text)
            check(not fault_of('Group', group), 'group_unknown')
            own = f'{self.kind}.{group}'
            fault = fault_of(own if own in MEMBERS else f'linked.{group}', claims)
            check(not fault, fault)
            check(group not in groups, 'disclosure_repeated')
            check(b64u(sha(text.encode())) in self.c['_sd'], 'disclosure_unmatched')
            groups[group] = claims
        chain, facts = groups.get('chain'), groups.get('facts', {})
        facts = facts.get('facts', {}) if self.kind == 'broadcast' else facts
        hosts, cohosts = facts.get('hosts'), groups.get('subject', {}).get('cohosts')
        check(not hosts or cohosts is None or len(hosts) == len(cohosts) + 1, 'groups_disagree')
        if chain:
            check((chain['prev'] is None) == (chain['seq'] == 1), 'groups_disagree')
            check(facts.get('at', chain['at']) == chain['at'], 'groups_disagree')
            check(not hosts or hosts[0]['subject'] == chain['sub'], 'groups_disagree')
        self.groups = groups
