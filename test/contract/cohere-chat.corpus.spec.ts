import { cohereChat } from '../../src/core/protocols/cohere-chat/index.js';
import { replayAnswers } from '../support/upstream-replay.js';
import { Corpus } from '../support/upstream-simulator/index.js';

const corpus = Corpus.find();
const exchanges = corpus === null ? [] : corpus.list('cohere.chat.v2').map((entry) => corpus.read(entry));

(corpus === null ? describe.skip : describe)('recorded Cohere traffic', () => {
  it('is read as it was meant, wherever it is cut', () => {
    const missed = replayAnswers(cohereChat, exchanges);
    process.stdout.write(
      `cohere-chat: ${exchanges.length - new Set(missed.map((fault) => fault.split(':')[0])).size} of ${exchanges.length} recorded answers\n`,
    );
    expect(missed).toEqual([]);
  });
});
