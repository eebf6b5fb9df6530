"""Signed notes, checkpoints, the Merkle tree and its files, by docs/spec/log.md."""
import os, re
from formats import MAX, sha, unb64, verify

class Unfinished(Exception):  # the audit could not be finished
    pass
class Vkey:
    def __init__(self, text):
        self.text, (self.name, kid, key) = text, text.split('+', 2)
        raw = unb64(key)
        self.type, self.key, self.id = raw[:1], raw[1:], sha(self.name.encode(), b'\n', raw)[:4]
        if self.id.hex() != kid or len(raw) != 33 or not re.fullmatch(r'[^\s\0-\x1f\x7f-\x9f]+', self.name):
            raise ValueError('the id of a verifier key does not fit')

class Note:
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
    def signed(self, name, kind, key):  # None: no line of that key; False: one that does not hold; else True, of a cosignature its time
        key_id, found = sha(name.encode(), b'\n', kind, key)[:4], []
        for sig in (sig[4:] for n, sig in self.lines if n == name and sig[:4] == key_id):
            time, body = (int.from_bytes(sig[:8], 'big'), sig[8:]) if kind == b'\4' else (True, sig)
            found.append(0 < time <= MAX and verify(key, (b'cosignature/v1\ntime %d\n' % time if kind == b'\4' else b'') + self.body, body) and time)
        return None if not found else min(found) if all(found) else False
    def by(self, k):
        return self.signed(k.name, k.type, k.key)

class Checkpoint(Note):
    def __init__(self, raw):
        super().__init__(raw)
        self.origin, size, root, *more = self.body.decode().split('\n')[:-1]
        self.size, self.root = int(size), unb64(root)
        if str(self.size) != size or not 0 <= self.size <= MAX or len(self.root) != 32 or '' in more or not self.origin:
            raise ValueError('not a checkpoint')

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
