import { quoted } from '../advice.ts';
import { MsmqCertError } from '../errors.ts';
import { harmless, spellOut } from '../visible.ts';
import { forbiddenInMachine } from './machine.ts';
import { attributeTypes, type NameAttribute, type RelativeName } from './names.ts';
import { invalidTemplate, scanTemplate, type TemplateAttribute, type TemplatePart } from './subject-template.ts';

/** Whom a certificate is for: DOMAIN\sAMAccountName, and a machine name that `parseMachine` lets through. */
export interface Owner {
  account: string;
  machine: string;
}

/** A subject with a place for the account and one for the machine. */
export interface SubjectTemplate {
  text: string;
  /** In encoding order, that is, the last one of the text first. */
  names: readonly (readonly AttributeTemplate[])[];
}

export interface AttributeTemplate extends TemplateAttribute {
  /** Matches the values made by this template; its groups are the account and the machine. */
  pattern: RegExp;
}

/** What Windows shows for the certificates it makes: [Domain/User, Machine] (specification §4). */
export const DEFAULT_SUBJECT = 'CN=[{account}\\, {machine}]';

/** Templates for a hint, for owners that do not fit into one attribute, the plainest first. */
const ROOMIER_TEMPLATES = ['CN={machine},OU={account}', 'CN={account},UID={machine}', 'UID={machine},UID={account}'];

const accountInSubject = '(?<account>[^\\\\/\\p{Cc}]+/\\P{Cc}+)';
const machineInSubject = `(?<machine>${forbiddenInMachine.source.replace('[', '[^')}+)`;

/**
 * Reads an RFC 4514 string of the types CN, OU, O, L, ST, C, DC, UID and serialNumber in which {account} and {machine}
 * occur once each, so that both can be read back.
 * @throws MsmqCertError invalid-subject
 */
export function parseSubjectTemplate(text: string): SubjectTemplate {
  const names = scanTemplate(text);
  const attributes = names.flat();
  demandOnce(text, attributes, 'account');
  demandOnce(text, attributes, 'machine');
  for (const relativeName of names) demandDifferentTypes(text, relativeName);
  for (const attribute of attributes) {
    demandSeparator(text, attribute);
    demandFixedTextFits(text, attribute);
  }
  return { text, names: names.map((relativeName) => relativeName.map(withPattern)) };
}

function withPattern(attribute: TemplateAttribute): AttributeTemplate {
  const source = attribute.parts.map((part) => {
    if (part.kind === 'text') return part.text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    return part.kind === 'machine' ? machineInSubject : accountInSubject;
  });
  return { ...attribute, pattern: new RegExp(`^${source.join('')}$`, 'u') };
}

function demandOnce(text: string, attributes: readonly TemplateAttribute[], kind: 'account' | 'machine'): void {
  const count = attributes.flatMap(({ parts }) => parts).filter((part) => part.kind === kind).length;
  if (count !== 1) throw invalidTemplate(text, `has {${kind}} ${count} times instead of once`);
}

/** X.501 allows a type once in a relative distinguished name. */
function demandDifferentTypes(text: string, attributes: readonly TemplateAttribute[]): void {
  const types = new Set(attributes.map(({ type }) => type));
  if (types.size < attributes.length) throw invalidTemplate(text, 'joins two attributes of one type with a plus sign');
}

/** Account and machine in one value can only be told apart at a character that no machine name has. */
function demandSeparator(text: string, { parts }: TemplateAttribute): void {
  const places = parts.flatMap(({ kind }, index) => (kind === 'text' ? [] : [index]));
  const [first, second] = places;
  if (first === undefined || second === undefined) return;
  const between = parts[first + 1];
  if (between?.kind !== 'text' || !forbiddenInMachine.test(between.text)) {
    throw invalidTemplate(
      text,
      'does not keep {account} and {machine} apart, as the default does by a comma and a space',
    );
  }
}

function demandFixedTextFits(text: string, { type, parts }: TemplateAttribute): void {
  if (parts.some(({ kind }) => kind !== 'text')) return;
  const problem = misfit({ type, value: fill(parts, { account: '', machine: '' }) });
  if (problem !== null) throw invalidTemplate(text, `gives a value that ${problem}`);
}

/**
 * The subject for one account and machine, in encoding order. The account's backslash is written as a slash.
 * @throws MsmqCertError invalid-subject when a value does not fit the limits of X.520
 */
export function subjectFor(template: SubjectTemplate, owner: Owner): RelativeName[] {
  demandAccount(owner.account);
  const subject = fillTemplate(template, owner);
  for (const attribute of subject.flat()) {
    const problem = misfit(attribute);
    if (problem !== null) throw doesNotFit(attribute, problem, owner);
  }
  return subject;
}

function demandAccount(account: string): void {
  if (/^[^\\/\p{Cc}]+\\\P{Cc}+$/u.test(account) && account.isWellFormed()) return;
  throw new MsmqCertError('invalid-subject', `the account "${harmless(account)}" is not of the form DOMAIN\\user`, {
    hint: 'give the NetBIOS name of the domain with --domain, and check the user name for control characters',
  });
}

function fillTemplate({ names }: SubjectTemplate, owner: Owner): NameAttribute[][] {
  return names.map((attributes) => attributes.map(({ type, parts }) => ({ type, value: fill(parts, owner) })));
}

function fill(parts: readonly TemplatePart[], { account, machine }: Owner): string {
  return parts
    .map((part) => {
      if (part.kind === 'text') return part.text;
      return part.kind === 'machine' ? machine : account.replace('\\', '/');
    })
    .join('');
}

/** Why a value is not allowed in its attribute, as the end of a sentence, or null when it is. */
function misfit({ type, value }: NameAttribute): string | null {
  const rules = attributeTypes.get(type);
  if (rules === undefined) return `has the unknown type ${type}`;
  const characters = [...value].length;
  if (characters > rules.atMost) return `has ${characters} characters, but ${type} holds at most ${rules.atMost}`;
  if (characters < rules.atLeast) return `has ${characters} characters, but ${type} needs at least ${rules.atLeast}`;
  if (rules.encoding === 'ia5' && /[^\x20-\x7e]/.test(value)) return `has a character that ${type} cannot hold`;
  if (rules.encoding === 'printable' && /[^A-Za-z0-9 '()+,./:=?-]/.test(value)) {
    return `has a character that ${type} cannot hold`;
  }
  return null;
}

function doesNotFit(attribute: NameAttribute, problem: string, owner: Owner): MsmqCertError {
  const roomier = ROOMIER_TEMPLATES.find((text) =>
    fillTemplate(parseSubjectTemplate(text), owner)
      .flat()
      .every((each) => misfit(each) === null),
  );
  const shorter = owner.machine.includes('.') ? 'use the short machine name' : 'use shorter names';
  return new MsmqCertError('invalid-subject', `the subject value "${harmless(attribute.value)}" ${problem}`, {
    hint: roomier === undefined ? shorter : `${shorter}, or a template with more room: --subject ${quoted(roomier)}`,
  });
}

/**
 * Account and machine from a subject that one of the templates made, the first that fits; null for any other subject.
 * `account` is DOMAIN\sAMAccountName.
 */
export function readSubject(templates: readonly SubjectTemplate[], names: readonly RelativeName[]): Owner | null {
  for (const template of templates) {
    const owner = readBy(template, names);
    if (owner !== null) return owner;
  }
  return null;
}

function readBy({ names: templates }: SubjectTemplate, names: readonly RelativeName[]): Owner | null {
  if (templates.length !== names.length) return null;
  let account: string | undefined;
  let machine: string | undefined;
  for (let index = 0; index < templates.length; index++) {
    const attributes = templates[index] ?? [];
    const actual = names[index];
    if (actual?.length !== attributes.length) return null;
    for (const { type, pattern } of attributes) {
      // An attribute set has no order of its own: the encoding sorts it.
      const match = pattern.exec(actual.find((each) => each.type === type)?.value ?? '');
      if (match === null) return null;
      account ??= match.groups?.['account'];
      machine ??= match.groups?.['machine'];
    }
  }
  if (account === undefined || machine === undefined) return null;
  return { account: account.replace('/', '\\'), machine };
}

const special = /["+,;<>\\]|^[ #]| $/g;

/**
 * RFC 4514 text of a name, the most specific part first. Characters that could act on a terminal are escaped too.
 */
export function formatName(names: readonly RelativeName[]): string {
  return names
    .map((attributes) => attributes.map(({ type, value }) => `${type}=${escapeValue(value)}`).join('+'))
    .reverse()
    .join(',');
}

function escapeValue(value: string): string {
  return spellOut(value.replace(special, '\\$&'), hexPairs);
}

/** `\hh` for each byte of UTF-8, an escape that RFC 4514 knows. */
function hexPairs(character: string): string {
  return Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '\\$&');
}
