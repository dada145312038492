import { TOOL_ID } from './types.js';

/** Ids of other providers made to fit Anthropic's pattern: the same id always becomes the same one, two ids never one. */
export class ToolIds {
  private readonly given = new Map<string, string>();
  private readonly taken = new Set<string>();

  constructor(known: Iterable<string>) {
    const all = [...known];
    // Ids that fit keep their form, whatever else is made to fit around them.
    for (const id of all) if (TOOL_ID.test(id)) this.keep(id, id);
  }

  of(id: string): string {
    return this.given.get(id) ?? this.keep(id, this.free(TOOL_ID.test(id) ? id : id.replace(/[^a-zA-Z0-9_-]/g, '_') || 'toolu'));
  }

  private free(wanted: string): string {
    if (!this.taken.has(wanted)) return wanted;
    let number = 2;
    while (this.taken.has(`${wanted}_${number}`)) number += 1;
    return `${wanted}_${number}`;
  }

  private keep(id: string, form: string): string {
    this.given.set(id, form);
    this.taken.add(form);
    return form;
  }
}
