const WORDS =
  'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua ut enim ad minim veniam quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat'.split(
    ' ',
  );
const SENTENCE_WORDS = 12;

/** The same text every time: so many words, in sentences. */
export function loremWords(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const word = WORDS[index % WORDS.length] ?? '';
    const first = index % SENTENCE_WORDS === 0;
    const last = index % SENTENCE_WORDS === SENTENCE_WORDS - 1 || index === count - 1;
    return `${first ? word.charAt(0).toUpperCase() + word.slice(1) : word}${last ? '.' : ''}`;
  });
}
