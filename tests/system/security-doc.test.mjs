// docs/SECURITY.md promises nothing without a test, and the tests it names are there.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';

import { ROOT } from './lib/instance.mjs';

const text = fs.readFileSync(`${ROOT}/docs/SECURITY.md`, 'utf8');
const rows = text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| promise'));

function titles(name) {
  const source = fs.readFileSync(`${ROOT}/tests/system/${name}`, 'utf8');
  return [...source.matchAll(/\b(?:it|test|describe)\(\s*(['"])((?:\\.|(?!\1).)*)\1/g)].map((m) => m[2].replaceAll('\\', ''));
}

describe('docs/SECURITY.md', () => {
  it('names a test that exists for every promise', () => {
    assert.ok(rows.length > 30);
    for (const row of rows) {
      const named = [...row.matchAll(/`([a-z-]+\.test\.mjs)` › `([^`]+)`/g)];
      assert.ok(named.length > 0, row);
      for (const [, name, title] of named) {
        assert.ok(titles(name).includes(title), `${name} has no "${title}"`);
      }
    }
  });

  it('shows the attack without the defence where it says so', () => {
    const marked = rows.filter((row) => row.includes('†'));
    assert.ok(marked.length >= 8);
  });
});
