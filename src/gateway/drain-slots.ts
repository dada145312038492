/** How many abandoned streams are being read to their end (`drain_on_abort`); bounded, because nobody waits for them. */
export class DrainSlots {
  private takenCount = 0;

  constructor(private readonly limit: number) {}

  take(): boolean {
    if (this.takenCount >= this.limit) return false;
    this.takenCount += 1;
    return true;
  }

  give(): void {
    this.takenCount -= 1;
  }
}
