import OpenAI, { BadRequestError, toFile } from 'openai';
import { check, done, refused, target } from './check.mjs';

const client = new OpenAI({ baseURL: `${target.url}/v1`, apiKey: target.key, maxRetries: 0 });

// Embeddings: the SDK asks for base64 by itself and decodes it.
const answer = await client.embeddings.create({ model: 'sandbox/embed', input: ['Seoul is in Korea', 'Seoul is big', 'bread and butter'], dimensions: 64 });
check(answer.object === 'list' && answer.data.length === 3 && answer.model === 'sandbox/embed', 'the envelope', answer);
check(answer.data.every((item, at) => item.index === at && item.embedding.length === 64), 'vectors of 64 dimensions', answer.data[0]);
check(answer.usage.prompt_tokens === 10 && answer.usage.total_tokens === 10 && answer.usage.cost > 0, 'usage and cost', answer.usage);
const near = (a, b) => answer.data[a].embedding.reduce((sum, value, at) => sum + value * answer.data[b].embedding[at], 0);
check(near(0, 1) > near(0, 2), 'texts that share words are near');
const floats = await client.embeddings.create({ model: 'sandbox/embed', input: 'Seoul is in Korea', encoding_format: 'float', dimensions: 64 });
check(floats.data[0].embedding.every((value, at) => Math.abs(value - answer.data[0].embedding[at]) < 1e-6), 'floats are the same numbers');
const tokens = await client.embeddings.create({ model: 'sandbox/embed', input: [[1, 2, 3], [4]] });
check(tokens.data.length === 2 && tokens.data[0].embedding.length === 256, 'token numbers');

const chatModel = await refused(client.embeddings.create({ model: 'sandbox/echo', input: 'x' }), 'embeddings of a chat model');
check(chatModel instanceof BadRequestError && chatModel.param === 'model', 'a chat model is refused, model named', chatModel.error);
const embedModel = await refused(client.chat.completions.create({ model: 'sandbox/embed', messages: [{ role: 'user', content: 'x' }] }), 'chat of an embedding model');
check(embedModel instanceof BadRequestError && embedModel.param === 'model', 'an embedding model is refused for chat', embedModel.error);
const many = await refused(client.embeddings.create({ model: 'sandbox/embed', input: Array.from({ length: 2049 }, () => 'x') }), 'too many inputs');
check(many instanceof BadRequestError && many.param === 'input', 'at most 2,048 inputs', many.error);

// Moderations.
const moderation = await client.moderations.create({ model: 'sandbox/moderation', input: ['a kind word', 'I will hurt you'] });
check(!moderation.results[0].flagged && moderation.results[1].flagged && moderation.results[1].categories.violence, 'moderations', moderation);

// Images.
const images = await client.images.generate({ model: 'sandbox/image', prompt: 'a lighthouse', n: 2 });
check(images.data.length === 2 && Buffer.from(images.data[0].b64_json, 'base64').subarray(1, 4).toString() === 'PNG', 'two images', images);
check(images.usage.output_tokens === 200, 'image tokens', images.usage);

// Sound, there and back.
const speech = await client.audio.speech.create({ model: 'sandbox/speech', voice: 'alloy', input: 'Hello from the gateway', response_format: 'wav' });
const sound = Buffer.from(await speech.arrayBuffer());
check(speech.headers.get('content-type') === 'audio/wav' && sound.subarray(0, 4).toString() === 'RIFF', 'sound', speech.headers.get('content-type'));
const heard = await client.audio.transcriptions.create({ model: 'sandbox/transcribe', file: await toFile(sound, '../../etc/hello.wav') });
check(heard.text === `A file of ${sound.length} bytes.`, 'the file arrives whole', heard);
const noFile = await fetch(`${target.url}/v1/audio/transcriptions`, { method: 'POST', headers: { authorization: `Bearer ${target.key}` }, body: new URLSearchParams({ model: 'sandbox/transcribe' }) });
check(noFile.status === 415, 'another media type is refused', noFile.status);

// Rerank has no SDK of OpenAI's.
const body = JSON.stringify({ model: 'sandbox/rerank', query: 'where is Seoul', documents: ['bread', 'Seoul is in Korea', 'where is it'], top_n: 2, return_documents: true });
const ranked = await (await fetch(`${target.url}/v1/rerank`, { method: 'POST', headers: { authorization: `Bearer ${target.key}`, 'content-type': 'application/json' }, body })).json();
check(ranked.results.length === 2 && ranked.results[0].index === 1 && ranked.results[0].document.text === 'Seoul is in Korea', 'rerank', ranked);

// Legacy completions, over any chat model.
const completion = await client.completions.create({ model: 'sandbox/echo', prompt: 'Once upon a time' });
check(completion.object === 'text_completion' && completion.choices[0].text === 'Once upon a time' && completion.id.startsWith('cmpl-'), 'completions', completion);
let text = '';
const finishes = [];
for await (const chunk of await client.completions.create({ model: 'sandbox/echo', prompt: ['streamed words here'], stream: true })) {
  text += chunk.choices[0]?.text ?? '';
  if (chunk.choices[0]?.finish_reason) finishes.push(chunk.choices[0].finish_reason);
}
check(text === 'streamed words here' && finishes.join() === 'stop', 'completions as a stream', { text, finishes });
const tokenPrompt = await refused(client.completions.create({ model: 'sandbox/echo', prompt: [1, 2, 3] }), 'tokens for a chat model');
check(tokenPrompt instanceof BadRequestError && tokenPrompt.param === 'prompt', 'tokens are refused, prompt named', tokenPrompt.error);

done();
