import { bedrockConverse } from '../../src/core/protocols/bedrock-converse/index.js';
import { replayAnswers } from '../support/upstream-replay.js';
import { Corpus } from '../support/upstream-simulator/index.js';

const corpus = Corpus.find();
const exchanges = corpus === null ? [] : corpus.list('bedrock.converse').map((entry) => corpus.read(entry));

(corpus === null ? describe.skip : describe)('recorded Bedrock traffic', () => {
  it('is read as it was meant, wherever it is cut', () => {
    const missed = replayAnswers(bedrockConverse, exchanges);
    process.stdout.write(
      `bedrock-converse: ${exchanges.length - new Set(missed.map((fault) => fault.split(':')[0])).size} of ${exchanges.length} recorded answers\n`,
    );
    expect(missed).toEqual([]);
  });
});
