#!/usr/bin/env python3
"""A second reader of livegate's evidence bundles, by docs/spec/evidence.md, with what the second auditor reads with."""
import argparse, json, re, sys
from functools import partial
from itertools import accumulate
from pathlib import Path
sys.dont_write_bytecode = True  # nothing is left beside these files
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'second-auditor'))
from auditor import Audit, thumbprint
from formats import (
    FORMS, INF, MAX, MEMBERS, Fault, Record, b64u, check, fault_of, numeric, sha, spell, unb64, unb64u, verify)
from tree import Checkpoint, vkey

FORMS |= {'Vkey': '/.{0,512}/', 'Note': '/.{0,524288}/', 'Hashes': 'Digest*54'}
MEMBERS |= {
    'Bundle': {'format': '/.*/', 'decision': 'Count', 'vkeys': 'Vkey*16', 'witnesses': 'Vkey*16', 'checkpoint': 'Note',
               'since': 'Since|null', 'entries': 'Entry*1..4096'},
    'Since': {'checkpoint': 'Note', 'proof': 'Hashes'},
    'Entry': {'index': 'Count', 'record': '/.{1,16784384}/', 'proof': 'Hashes'}}
CLASSES = {
    'unreadable': '''
        too_large not_utf8 too_deep not_json not_evidence version_unknown malformed spelling''',
    'altered': '''
        vkey_false witness_false checkpoint_malformed checkpoint_unsigned checkpoint_signature origin since_false
        consistency inclusion presentation disclosure_unmatched disclosure_repeated entry_unneeded
        decision_missing''',
    'lie': '''
        fork record signature first_not_key key_record key_not_in_force disclosure_false chain_fork chain_prev
        chain_time erased_chain policy_parts policy_not_active policy_outdated activation_order strike_altered
        strike_invented reversal_ignored reversal_invented future''',
    'unfinished': '''
        quorum_missed since_other key_missing key_revoked policy_missing policy_after activation_missing
        activation_after from_future''',
}
NEEDED = ('decision', 'strike', 'reversal', 'key', 'policy', 'activation', 'erasure', 'heartbeat')


class Unfinished(Exception):
    """What this reader does not do."""


def attempt(f, *args):
    try:
        return f(*args)
    except (ValueError, AttributeError):
        return None


class Note(Checkpoint):
    """A signed note, whatever its body is."""
    def __init__(self, raw):
        cut = raw.rfind(b'\n\n') + 1
        signed = re.fullmatch(r'(?:— [^\s+]+ \S+\n){1,64}', raw[cut + 1:].decode())
        if not cut or not signed or re.search(rb'[\0-\x09\x0b-\x1f]', raw):
            raise ValueError('not a signed note')
        self.body, lines = raw[:cut], re.findall(r'— (\S+) (\S+)\n', signed[0])
        self.lines = [(name, unb64(line)) for name, line in lines]
        if min(len(line) for _, line in self.lines) < 5:
            raise ValueError('not a signature')


def said(note, kind, name, key):
    """None: no line of the key; False: one that does not hold; else True, of a cosignature its earliest time."""
    key_id, found = sha(name.encode(), b'\n', bytes([kind]), key)[:4], []
    for signature in (line[4:] for one, line in note.lines if one == name and line[:4] == key_id):
        time, body = True, note.body
        if kind == 4:
            time, signature = int.from_bytes(signature[:8], 'big'), signature[8:]
            body = b'cosignature/v1\ntime %d\n' % time + body
        found.append(0 < time <= MAX and verify(key, body, signature) and time)
    return None if not found else min(found) if all(found) else False


def climb(proof, fn, sn, start):
    """Roots of the old and the new tree; of an inclusion the second one means something."""
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


def extends(old, new, hashes):
    proof, fn, sn = [unb64u(one) for one in hashes], old.size - 1, new.size - 1
    if not 0 < old.size < new.size:
        return not proof
    proof = [old.root] * (old.size & fn == 0) + proof
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    return bool(proof) and climb(proof[1:], fn, sn, proof[0]) == (old.root, new.root)


class Reader:
    def __init__(self, a):
        self.keys, self.witnesses, self.quorum, self.now, self.faults = a.vkey, a.witness, a.quorum, a.now, []
        self.trusted = Checkpoint(Path(a.trusted).read_bytes()) if a.trusted else None

    def say(self, good, code, i=None):
        if not good:
            self.faults.append((code, i))
        return good

    def read(self, raw):
        """Steps 1 to 7 and 9 of Checking; a Fault ends them."""
        v = self.file(raw)
        tree = self.checkpoint(v)
        records = self.entries(v, tree)
        if any(code in CLASSES['altered'].split() for code, _ in self.faults):
            return
        decisions = [i for i, r in records.items() if r.kind == 'decision']
        records = self.signed(records)
        if self.say(decisions == [v['decision']], 'decision_missing', v['decision']) and v['decision'] in records:
            decision = records[v['decision']]
            self.chains(records, decision)
            self.strikes(records, decision)
            self.policy(records, v['decision'], decision)
            for i, r in records.items():
                self.say(not self.times or r.c['iat'] <= min(self.times.values()) + 600, 'future', i)
                self.say(not self.now or r.c['iat'] <= self.now + 600, 'from_future', i)

    def file(self, raw):
        check(len(raw) <= 1 << 26, 'too_large')
        body = attempt(raw.decode)
        check(body is not None, 'not_utf8')
        brackets = re.findall(r'[][{}]', re.sub(r'"(?:[^"\\]|\\.)*"', '', body))
        check(max(accumulate((1 if c in '[{' else -1 for c in brackets), initial=0)) <= 4, 'too_deep')
        value = attempt(lambda: [json.loads(body, parse_int=numeric, parse_float=numeric, parse_constant=int)])
        check(value is not None, 'not_json')
        v = value[0]
        check(type(v) is dict and str(v.get('format')).startswith('livegate-evidence/'), 'not_evidence')
        check(v['format'] == 'livegate-evidence/v1', 'version_unknown')
        check(not fault_of('Bundle', v), 'malformed')
        units = [[key.encode('utf-16-be', 'surrogatepass') for key in v[member]] for member in ('vkeys', 'witnesses')]
        rising = [*units, [e['index'] for e in v['entries']]]
        ordered = [(v, 'Bundle'), (v['since'], 'Since'), *((e, 'Entry') for e in v['entries'])]
        check(spell(v) + '\n' == body, 'spelling')
        check(all(list(one) == list(MEMBERS[form]) for one, form in ordered if one), 'spelling')
        check(all(a < b for row in rising for a, b in zip(row, row[1:])), 'spelling')
        return v

    def checkpoint(self, v):
        raw = v['checkpoint'].encode('utf-8', 'surrogatepass')
        note, tree = attempt(Note, raw), attempt(Checkpoint, raw)
        check(note, 'checkpoint_malformed')
        mine = [said(note, 1, *key) for key in self.keys]
        cosigned = {name: said(note, 4, name, key) for name, key in self.witnesses}
        check(False not in mine and False not in cosigned.values(), 'checkpoint_signature')
        older = v['since'] and attempt(Checkpoint, v['since']['checkpoint'].encode('utf-8', 'surrogatepass'))
        if True not in mine and older and any(said(older, 1, *key) for key in self.keys) and self.learns(v, note):
            raise Unfinished('signed by no key given, perhaps by one to be learned from `since`: not done here')
        check(True in mine, 'checkpoint_unsigned')
        check(tree, 'checkpoint_malformed')
        check(any(key[0] == tree.origin and said(tree, 1, *key) for key in self.keys), 'origin')
        self.times = {name: time for name, time in cosigned.items() if time}
        self.say(len(self.times) >= self.quorum, 'quorum_missed')
        for member, kind, code in (('vkeys', 1, 'vkey_false'), ('witnesses', 4, 'witness_false')):
            for key in [attempt(vkey, one, kind) for one in v[member]]:
                self.say(key and (kind == 4 or key[0] == tree.origin) and said(tree, kind, *key), code)
        if v['since'] and self.say(older and older.origin == tree.origin and older.size <= tree.size and older.by(
                key for name, key in self.keys if name == tree.origin), 'since_false'):
            self.say(older.size < tree.size or older.root == tree.root, 'fork')
            self.say(extends(older, tree, v['since']['proof']), 'consistency')
        if self.trusted:
            joined = [one for one in (tree, older) if one and one.size == self.trusted.size]
            self.say(all(one.root == self.trusted.root for one in joined), 'fork')
            self.say(joined, 'since_other')
        return tree

    def learns(self, v, note):
        """Whether a key record of the file names a checkpoint key that has signed."""
        for e in v['entries']:
            try:
                r = Record(e['record'].split('~')[0].encode())
            except Fault:
                continue
            if r.kind == 'key' and r.c['use'] == 'checkpoint' and any(
                    said(note, 1, name, unb64u(r.c['jwk']['x'])) for name, _ in self.keys):
                return True
        return False

    def entries(self, v, tree):
        """Step 3: what the log holds, by index."""
        records = {}
        for e in v['entries']:
            i, (jws, *more) = e['index'], e['record'].split('~')
            jws = jws.encode('utf-8', 'surrogatepass')
            if not self.say(more and not more.pop() and len(more) <= 5, 'presentation', i):
                continue
            root = climb(map(unb64u, e['proof']), i, tree.size - 1, sha(b'\0', jws))[1]
            if not self.say(i < tree.size and root == tree.root, 'inclusion', i):
                continue
            try:
                r = Record(jws)
            except Fault:
                self.say(False, 'record', i)
                continue
            self.say(r.c['log'] == tree.origin, 'record', i)
            self.say(r.kind in NEEDED, 'entry_unneeded', i)
            committed = all(b64u(sha(one.encode())) in r.c.get('_sd', ()) for one in more)
            if self.say(committed, 'disclosure_unmatched', i) and self.say(
                    len({*more}) == len(more), 'disclosure_repeated', i):
                records[i] = r
                try:
                    r.open(more)
                except Fault:
                    self.say(False, 'disclosure_false', i)
        return records

    def signed(self, records):
        """Step 4: the records that keys in force have signed; the rules of keys are the auditor's."""
        audit, good, seen = Audit('', {}), {}, set()
        for i, r in records.items():
            audit.findings.clear()
            own = r.kind == 'key' and (thumbprint(r.c['jwk']), r.c['use'], r.c['status']) == (r.kid, 'record', 'active')
            if i == 0 and own:
                audit.keys['record'][r.kid] = [r.c['jwk']['x'], 0, INF]
            x, begin, end = audit.keys['record'].get(r.kid, (None, 0, 0))
            self.say(i or x, 'first_not_key', i)
            held = self.say(x, 'key_missing', i) and self.say(begin <= i < end, 'key_not_in_force', i)
            if held and self.say(verify(unb64u(x), r.signed, r.signature), 'signature', i):
                good[i] = r
                if r.kind == 'key' and i and r.leaf not in seen:
                    seen.add(r.leaf)
                    audit.on_key(i, r.c)
                    self.say(not audit.findings, 'key_record', i)
        for i, r in good.items():
            self.say(i < audit.keys['record'][r.kid][2], 'key_revoked', i)
        return good

    def chains(self, records, decision):
        """Step 5."""
        mine, links = decision.groups.get('chain'), {}
        for i, r in records.items():
            if link := r.groups.get('chain'):
                first = links.setdefault(link['sub'], {}).setdefault(link['seq'], (i, r))
                self.say(first[1].leaf == r.leaf, 'chain_fork', i)
        for i, r in records.items():
            if r.kind == 'erasure' and self.say(mine and r.c['sub'] == mine['sub'], 'entry_unneeded', i):
                ended = r.c['scope'] != 'retention' and r.c.get('last_seq')
                self.say(not ended or max(links[mine['sub']]) <= ended, 'erased_chain', i)
        for chain in links.values():
            row = [chain[seq] for seq in sorted(chain)]
            for (_, one), (i, two) in zip(row, row[1:]):
                a, b = one.groups['chain'], two.groups['chain']
                self.say(a['seq'] + 1 < b['seq'] or b['prev'] == b64u(one.leaf), 'chain_prev', i)
                self.say(a['at'] <= b['at'], 'chain_time', i)

    def strikes(self, records, decision):
        """Step 6."""
        mine, hosts = decision.groups.get('chain'), decision.groups.get('facts', {}).get('hosts', ())
        listed = {one['id']: one for host in hosts for one in host['strikes']}
        for i, r in records.items():
            facts, link = r.groups.get('facts'), r.groups.get('chain')
            later = link['seq'] - mine['seq'] if link and mine and link['sub'] == mine['sub'] else 0
            if facts and r.kind == 'strike' and (told := listed.get(facts['strike']['id'])):
                self.say(told | {'status': ''} == facts['strike'] | {'status': ''}, 'strike_altered', i)
                self.say(later <= 0, 'strike_invented', i)
            elif facts and r.kind == 'reversal' and (told := listed.get(facts['strike'])):
                self.say(later >= 0 or told['status'] == 'reversed', 'reversal_ignored', i)
                self.say(later <= 0 or told['status'] == 'active', 'reversal_invented', i)

    def policy(self, records, at, decision):
        """Step 7."""
        acts, newest, elapsed, logged = {}, 0, 0, {}
        for i, r in records.items():
            elapsed += min(max(r.c['iat'] - newest, 0), 10)  # the log's time
            logged[i], newest = elapsed, max(newest, r.c['iat'])
            if r.kind == 'activation':
                self.say(acts.setdefault(r.c['revision'], (i, r))[1].leaf == r.leaf, 'activation_order', i)
        self.text([(i, r.c) for i, r in records.items() if r.kind == 'policy'], at, decision.c['policy'])
        revision, link = decision.c.get('revision'), decision.groups.get('chain')
        instant = link['at'] if link else 1000 * decision.c['iat'] + 999
        newer = [(i, r.c) for n, (i, r) in acts.items() if revision is not None and n > revision and i < at]
        for i, r in records.items():
            self.say(r.kind != 'heartbeat' or any(k < i < at for k, _ in newer), 'entry_unneeded', i)
        if revision is None:
            self.say(not any(i < at for i, _ in acts.values()), 'policy_not_active', at)
        elif self.say(revision in acts, 'activation_missing', at):
            i, r = acts[revision]
            self.say(i < at, 'activation_after', i)
            active = r.c['digest'] == decision.c['policy'] and r.c['active_from'] <= instant
            self.say(active, 'policy_not_active', at)
            heard = any(c['active_from'] + 60000 <= instant and logged[k] + 60 < logged[at] for k, c in newer)
            self.say(not heard, 'policy_outdated', at)

    def text(self, parts, at, digest):
        parts = [(i, c) for i, c in parts if c['digest'] == digest]
        texts = {c['part']: c for _, c in parts}
        agree = all(c['text'] == texts[c['part']]['text'] and c['of'] == parts[0][1]['of'] for _, c in parts)
        agree = agree and all(c['part'] <= c['of'] for _, c in parts)
        if self.say(parts and (not agree or len(texts) == parts[0][1]['of']), 'policy_missing', at):
            last, text = parts[-1][0], attempt(lambda: b''.join(unb64u(texts[k]['text']) for k in sorted(texts)))
            right = agree and text is not None and 'sha256-' + b64u(sha(text)) == digest
            if self.say(right, 'policy_parts', last):
                self.say(last < at, 'policy_after', last)


def main():
    arg = argparse.ArgumentParser(description='Exit 0: the bundle holds; 1: nothing is said; 4: altered, or a lie.')
    arg.add_argument('file')
    arg.add_argument('--vkey', type=vkey, action='append', required=True)
    arg.add_argument('--witness', type=partial(vkey, kind=4), action='append', default=[])
    arg.add_argument('--quorum', type=int, default=0)
    arg.add_argument('--now', type=int, default=0)
    arg.add_argument('--trusted')
    a = arg.parse_args()
    reader = Reader(a)
    try:
        reader.read(Path(a.file).read_bytes())
    except Fault as fault:
        reader.faults.append((fault.args[0], None))
    except (Unfinished, OSError) as e:
        print(f'unfinished\t-\t{e}')
        return 1
    for code, i in reader.faults:
        print('fault', code, '-' if i is None else i, sep='\t')
    codes = [code for code, _ in reader.faults]
    verdict = next((v for v, named in CLASSES.items() if any(code in named.split() for code in codes)), 'holds')
    print('verdict', verdict, sep='\t')
    print('Not checked: the replay (step 8), and what docs/spec/evidence.md says a bundle does not prove.')
    return {'holds': 0, 'altered': 4, 'lie': 4}.get(verdict, 1)


if __name__ == '__main__':
    sys.exit(main())
