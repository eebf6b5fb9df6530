"""Evidence bundles, by docs/spec/evidence.md."""
import re
from itertools import accumulate
from auditor import Fault, Keys, LogTime, Record
from formats import COUNT, DIGEST, MAX, b64u, loads, many, null, rec, sha, spell, text, unb64u
from tree import Checkpoint, Note, Unfinished, Vkey, climb
FORM = {'format': text(0, MAX), 'decision': COUNT, 'vkeys': many(text(0, 512), 16), 'witnesses': many(text(0, 512), 16), 'checkpoint': text(0, 524288),
        'since': null(rec(SINCE := {'checkpoint': text(0, 524288), 'proof': many(DIGEST, 54)})),
        'entries': many(rec(ENTRY := {'index': COUNT, 'record': text(1, 16784384), 'proof': many(DIGEST, 54)}), 4096, 1)}
CLASSES = {'unreadable': 'too_large not_utf8 too_deep not_json not_evidence version_unknown malformed spelling',
           'altered': 'vkey_false witness_false checkpoint_malformed checkpoint_unsigned checkpoint_signature origin since_false consistency inclusion '
                      'presentation disclosure_unmatched disclosure_repeated entry_unneeded decision_missing',
           'lie': 'fork record signature first_not_key key_record key_not_in_force disclosure_false chain_fork chain_prev chain_time erased_chain policy_parts '
                  'policy_not_active policy_outdated activation_order strike_altered strike_invented reversal_ignored reversal_invented future',
           'unfinished': 'quorum_missed since_other key_missing key_revoked policy_missing policy_after activation_missing activation_after '
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
    must(note := attempt(lambda: Note(v['checkpoint'].encode())), 'checkpoint_malformed')
    must(False not in [note.by(k) for k in vkeys + witnesses], 'checkpoint_signature')
    older = v['since'] and attempt(lambda: Checkpoint(v['since']['checkpoint'].encode()))
    def told(e):  # a key record of the file whose key has signed
        try:
            r = Record(e['record'].split('~')[0].encode())
            return r.kind == 'key' and r.c['use'] == 'checkpoint' and any(note.signed(k.name, k.type, unb64u(r.c['jwk']['x'])) for k in vkeys)
        except Fault:
            return False
    if older and not any(note.by(k) for k in vkeys) and any(older.by(k) for k in vkeys) and any(map(told, v['entries'])):
        raise Unfinished('signed by no key given, perhaps by one that is to be learned from `since`, which is not done here')
    must(any(note.by(k) for k in vkeys), 'checkpoint_unsigned')
    must(tree := attempt(lambda: Checkpoint(v['checkpoint'].encode())), 'checkpoint_malformed')
    must(any(tree.by(k) and k.name == tree.origin for k in vkeys), 'origin')
    times = {k.name: t for k in witnesses if (t := tree.by(k))}
    say(len(times) >= quorum, 'quorum_missed')
    for member, kind, code in (('vkeys', b'\1', 'vkey_false'), ('witnesses', b'\4', 'witness_false')):
        for k in [attempt(Vkey, k) for k in v[member]]:
            say(k and k.type == kind and (kind == b'\4' or k.name == tree.origin) and tree.by(k), code)
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
        if not say(i < tree.size and climb(map(unb64u, e['proof']), i, tree.size - 1, sha(b'\0', jws.encode()))[1] == tree.root, 'inclusion', i):
            continue
        try:
            r = Record(jws.encode())
            say(r.c['log'] == tree.origin, 'record', i)
            say(r.kind in ('decision', 'strike', 'reversal', 'key', 'policy', 'activation', 'erasure', 'heartbeat'), 'entry_unneeded', i)
            if say(all(b64u(sha(d.encode())) in r.c.get('_sd', ()) for d in more), 'disclosure_unmatched', i) and say(
                    len(set(more)) == len(more), 'disclosure_repeated', i):
                records[i] = r
                r.open(more)
        except Fault as f:
            say(None, 'disclosure_false' if i in records else 'record', i)
    if any(code in CLASSES['altered'].split() for code, _ in faults):
        return
    keys, seen, unsigned = Keys(), set(), []
    for i, r in records.items():
        try:
            say(i or keys.first(r), 'first_not_key', i)
            if not say(keys.signer(i, r), 'signature', i):
                unsigned.append(i)
            elif r.kind == 'key' and i and r.leaf not in seen:
                seen.add(r.leaf)
                keys.take(i, r.c)
        except Fault as f:
            say(None, 'key_missing' if f.code == 'key_unknown' else f.code, i)
            unsigned += [i] if f.code != 'key_record' else []
    decisions = [i for i, r in records.items() if r.kind == 'decision']
    records = {i: r for i, r in records.items() if i not in unsigned}
    for i, r in records.items():
        say(i < keys.spans['record'][r.kid][2], 'key_revoked', i)
    if not say(decisions == [v['decision']], 'decision_missing', v['decision']) or v['decision'] not in records:
        return
    at, decision = v['decision'], records[v['decision']]
    mine, links = decision.groups.get('chain'), {}
    for i, r in records.items():
        if c := r.groups.get('chain'):
            say(links.setdefault(c['sub'], {}).setdefault(c['seq'], (i, r))[1].leaf == r.leaf, 'chain_fork', i)
    for i, r in records.items():
        if r.kind == 'erasure' and say(mine and r.c['sub'] == mine['sub'], 'entry_unneeded', i) and r.c['scope'] != 'retention' and 'last_seq' in r.c:
            say(max(links[r.c['sub']]) <= r.c['last_seq'], 'erased_chain', i)
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
    acts, parts, revision = {}, [], decision.c.get('revision')
    for i, r in records.items():
        if r.kind == 'policy' and r.c['digest'] == decision.c['policy']:
            parts.append((i, r.c))
        elif r.kind == 'activation':
            say(acts.setdefault(r.c['revision'], (i, r))[1].leaf == r.leaf, 'activation_order', i)
    texts = {c['part']: c for _, c in parts}
    agree = all((c['text'], c['of']) == (texts[c['part']]['text'], parts[0][1]['of']) and c['part'] <= c['of'] for _, c in parts)
    if say(parts and (not agree or len(texts) == parts[0][1]['of']), 'policy_missing', at):
        whole = attempt(lambda: b''.join(unb64u(texts[k]['text']) for k in sorted(texts))) if agree else None
        if say(whole is not None and 'sha256-' + b64u(sha(whole)) == decision.c['policy'], 'policy_parts', parts[-1][0]):
            say(parts[-1][0] < at, 'policy_after', parts[-1][0])
    newer = {k: b for n, (k, b) in acts.items() if revision is not None and n > revision and k < at}
    time = LogTime()
    logged = {i: time.entry(r.c['iat']) for i, r in records.items()}
    for i, r in records.items():
        say(r.kind != 'heartbeat' or any(k < i < at for k in newer), 'entry_unneeded', i)
    instant = mine['at'] if mine else 1000 * decision.c['iat'] + 999
    if revision is None:
        say(not any(i < at for i, _ in acts.values()), 'policy_not_active', at)
    elif say(revision in acts, 'activation_missing', at):
        i, a = acts[revision]
        say(i < at, 'activation_after', i)
        say(a.c['digest'] == decision.c['policy'] and a.c['active_from'] <= instant, 'policy_not_active', at)
        say(not any(instant >= b.c['active_from'] + 60000 and logged[at] > logged[k] + 60 for k, b in newer.items()), 'policy_outdated', at)
    for i, r in records.items():
        say(not times or r.c['iat'] <= min(times.values()) + 600, 'future', i)
        say(not now or r.c['iat'] <= now + 600, 'from_future', i)

def report(raw, vkeys, witnesses, quorum, trusted, now):
    faults = []
    try:
        bundle(raw, vkeys, witnesses, quorum, trusted, now, faults)
    except Fault as fault:
        faults.append((fault.code, None))
    except Unfinished as e:
        print(f'unfinished\t-\t{e}')
        return 1
    for code, i in faults:
        print('fault', code, '-' if i is None else i, sep='\t')
    verdict = next((v for v, codes in CLASSES.items() if any(code in codes.split() for code, _ in faults)), 'holds')
    print(f'verdict\t{verdict}\nNot checked: the replay (step 8), and what docs/spec/evidence.md says a bundle does not prove.')
    return {'holds': 0, 'altered': 4, 'lie': 4}.get(verdict, 1)
