"""Verifier keys, signed checkpoints, the Merkle tree and its files, by docs/spec/log.md."""
import re
from pathlib import Path
from formats import MAX, sha, unb64, verify

def vkey(text, kind=1):
    name, key_id, key = re.fullmatch(r'([^\s+\0-\x1f\x7f-\x9f]+)\+([0-9a-f]{8})\+(.+)', text).groups()
    if sha(name.encode(), b'\n', unb64(key))[:4].hex() != key_id or len(unb64(key)) != 33 or unb64(key)[0] != kind:
        raise ValueError('not a key of that kind, or its id does not fit')
    return name, unb64(key)[1:]

class Checkpoint:
    FORM = re.compile(r'([^\n]+)\n(0|[1-9][0-9]*)\n(\S+)\n(?:[^\n]+\n)*\n((?:— [^\s+]+ \S+\n){1,64})')
    def __init__(self, raw):
        note = self.FORM.fullmatch(raw.decode())
        if not note or re.search(rb'[\0-\x09\x0b-\x1f]', raw):
            raise ValueError('not a signed checkpoint')
        self.origin, self.size, self.root = note[1], int(note[2]), unb64(note[3])
        self.body = raw[:raw.rindex(b'\n\n') + 1]
        self.lines = [(name, unb64(line)) for name, line in re.findall(r'— (\S+) (\S+)\n', note[4])]
        if self.size > MAX or len(self.root) != 32 or min(len(line) for _, line in self.lines) < 5:
            raise ValueError('not a size, a root or a signature')
    def by(self, keys):
        """Whether at least one of the log's keys has signed, and no signature of theirs fails."""
        ids = {sha(self.origin.encode(), b'\n\1', key)[:4]: key for key in keys}
        mine = [(ids[line[:4]], line[4:]) for name, line in self.lines if name == self.origin and line[:4] in ids]
        return bool(mine) and all(verify(key, self.body, signature) for key, signature in mine)

def levels(leaves):
    rows = [leaves]
    while len(row := rows[-1]) > 1:
        rows.append([sha(b'\1', *row[i:i + 2]) for i in range(0, len(row) - 1, 2)] + row[len(row) & ~1:])
    return rows

def root_of(leaves):
    return levels(leaves)[-1][0] if leaves else sha()

def files(directory, level, parts):
    """Of each file over so many parts how many count and how many it has: a full one may stand for a partial one."""
    for n in range(-(-parts // 256)):
        high = ''.join(f'x{int(group):03}/' for group in f'{n:,}'.split(',')[:-1])
        full, width = Path(directory, 'tile', level, f'{high}{n % 1000:03}'), min(256, parts - 256 * n)
        part = Path(f'{full}.p', str(width))
        yield (width, width, part.read_bytes()) if part.is_file() else (width, 256, full.read_bytes())

def entries_of(directory, size):
    for width, held, data in files(directory, 'entries', size):
        entries, at = [], 0
        while at < len(data):
            end = at + 2 + int.from_bytes(data[at:at + 2], 'big')
            entries.append(data[at + 2:end])
            at = end
        if at != len(data) or len(entries) != held:
            raise ValueError('an entries file cannot be taken apart')
        yield from entries[:width]

def are_stored(directory, leaves):
    """Whether the files of hashes are there and are those of the tree."""
    try:
        return all(len(data) == 32 * held and data.startswith(b''.join(row[256 * n:256 * n + width]))
                   for level, row in enumerate(levels(leaves)[::8])
                   for n, (width, held, data) in enumerate(files(directory, str(level), len(leaves) >> 8 * level)))
    except FileNotFoundError:
        return False
