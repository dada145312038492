/** What a roster writes on its members. */
export interface Placed {
  /** Where it stands in the one roster it belongs to; `NOWHERE` while it is in none. The roster's to change. */
  place: number;
}

export const NOWHERE = -1;

/**
 * Who is here now, for objects that come and go with every request: an array, and each member knows its place in it. Entering
 * and leaving take constant time; the order is nobody's business.
 *
 * Not a `Set`: V8 replaces the table of a Set when it is full of places that were left, and the old table keeps its members and
 * a pointer to the new one. Once such a table has been promoted, everything that was ever in the Set is promoted after it
 * until a full collection, and a request's whole memory with it (a fifth of all that was allocated, docs/performance.md, 2026-11-30).
 */
export class Roster<Member extends Placed> implements Iterable<Member> {
  #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  /** Without effect on a member. A member of another roster must leave that one first. */
  add(member: Member): void {
    if (member.place !== NOWHERE) return;
    member.place = this.#members.length;
    this.#members.push(member);
  }

  /** Without effect on one that is not here. */
  delete(member: Member): void {
    const { place } = member;
    if (this.#members[place] !== member) return;
    const last = this.#members.pop() as Member;
    if (last !== member) {
      this.#members[place] = last;
      last.place = place;
    }
    member.place = NOWHERE;
  }

  /** Everyone leaves: the members in the order in which they stood. */
  takeAll(): readonly Member[] {
    const members = this.#members;
    this.#members = [];
    for (const member of members) member.place = NOWHERE;
    return members;
  }

  /** From the last to the first: whoever is visited may leave, whoever enters meanwhile is not visited. Others must stay. */
  *[Symbol.iterator](): Iterator<Member> {
    for (let place = this.#members.length - 1; place >= 0; place -= 1) {
      const member = this.#members[place];
      if (member !== undefined) yield member;
    }
  }
}
