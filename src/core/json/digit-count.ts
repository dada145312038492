/** Of a small integer of two digits at least. */
export function digitCountOf(value: number): number {
  let count = 2;
  for (let left = (value / 100) | 0; left > 0; left = (left / 10) | 0) count += 1;
  return count;
}
