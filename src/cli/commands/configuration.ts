import { stringify } from 'yaml';
import { requiredValue, type Command, type CommandContext } from '../command.js';
import { readTextFile } from '../read-text.js';
import { cell, renderTable } from '../table.js';

interface Applied {
  changes: { action: string; kind: string; id: string; [detail: string]: unknown }[];
}

const FILE = { file: { type: 'string', short: 'f', value: 'FILE', describe: 'the configuration document, YAML or JSON (- reads standard input)' } } as const;

export const apply: Command = {
  name: 'apply',
  summary: 'apply a configuration document and show what changed',
  usage: ['og apply -f FILE'],
  examples: ['og apply -f opengateway.yaml', 'cat opengateway.yaml | og apply -f -'],
  options: FILE,
  run: (context) => send(context, 'apply', 'Nothing changed.'),
};

export const diff: Command = {
  name: 'diff',
  summary: 'show what applying a configuration document would change',
  usage: ['og diff -f FILE'],
  examples: ['og diff -f opengateway.yaml'],
  options: FILE,
  run: (context) => send(context, 'apply?dry_run=true', 'Nothing would change.'),
};

export const config: Command = {
  name: 'config',
  summary: 'print the configuration in force, secrets masked',
  usage: ['og config'],
  examples: ['og config > opengateway.yaml'],
  options: {},
  async run(context) {
    const document = await context.client.get('config');
    context.print(context.json ? JSON.stringify(document, null, 2) : stringify(document).trimEnd());
    return 0;
  },
};

async function send(context: CommandContext, path: string, nothing: string): Promise<number> {
  const answer = await context.client.sendYaml<Applied>(path, readTextFile(requiredValue(context, 'file')));
  if (context.json) context.print(JSON.stringify(answer, null, 2));
  else if (answer.changes.length === 0) context.print(nothing);
  else
    context.print(
      renderTable(
        ['ACTION', 'KIND', 'ID'],
        answer.changes.map((change) => [change.action, change.kind, cell(change.id)]),
      ),
    );
  return 0;
}
