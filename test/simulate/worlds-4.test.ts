import { it } from 'node:test';
import { prove } from './proof/prove.ts';

it('500 worlds hold the invariants after every event, from seed 4', () => prove({ seed: 4, worlds: 500 }));
