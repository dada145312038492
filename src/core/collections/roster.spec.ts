import fc from 'fast-check';
import { NOWHERE, Roster, type Placed } from './roster.js';

const member = (): Placed => ({ place: NOWHERE });

describe('Roster', () => {
  it('holds what a Set would, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(20))), (steps) => {
        const members = Array.from({ length: 21 }, member);
        const roster = new Roster();
        const expected = new Set<Placed>();
        for (const [enters, at] of steps) {
          const one = members[at] as Placed;
          if (enters) roster.add(one);
          else roster.delete(one);
          if (enters) expected.add(one);
          else expected.delete(one);
          expect(roster.size).toBe(expected.size);
        }
        expect(new Set(roster)).toEqual(expected);
        for (const one of members) expect(one.place !== NOWHERE).toBe(expected.has(one));
      }),
    );
  });

  it('lets whoever is visited leave', () => {
    const roster = new Roster();
    for (let count = 0; count < 5; count += 1) roster.add(member());
    let visits = 0;
    for (const one of roster) {
      visits += 1;
      roster.delete(one);
    }
    expect([visits, roster.size]).toEqual([5, 0]);
  });

  it('gives all away at once', () => {
    const roster = new Roster();
    const members = [member(), member(), member()];
    for (const one of members) roster.add(one);
    expect(roster.takeAll()).toEqual(members);
    expect(roster.size).toBe(0);
    roster.add(members[1] as Placed);
    expect([...roster]).toEqual([members[1]]);
  });

  it('leaves a member of another roster alone', () => {
    const [here, there] = [new Roster(), new Roster()];
    const one = member();
    there.add(one);
    here.delete(one);
    expect(there.size).toBe(1);
  });
});
