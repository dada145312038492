import { SnapshotSource, type Snapshot } from '../../core/catalog/model.js';

/** Holds the snapshot in force: replaced as a whole, so a request that took it keeps one consistent view. */
export class SnapshotStore extends SnapshotSource {
  #snapshot: Snapshot;

  constructor(first: Snapshot) {
    super();
    this.#snapshot = first;
  }

  override current(): Snapshot {
    return this.#snapshot;
  }

  swap(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
  }
}
