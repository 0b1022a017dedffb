/* The editor of a condition in the page editor. What is stored is the JSON in a hidden input; this puts rows
   "question – comparison – answer" behind it. The questions are read from the page editor itself, so that
   those count which were never saved. What this cannot show (nested conditions) it keeps as it is. */
import { keyFor } from './keys.js';

const { app } = window.wagtail || {};
const { Controller } = window.StimulusModule || {};
const source = document.getElementById('hd-condition-catalogue');
const { kinds, operators, choices, sets, words } = source ? JSON.parse(source.textContent) : {};

const UNFINISHED = '…';
const valueOf = (name) => document.getElementsByName(name)[0]?.value ?? '';
const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (all, name) => values[name] ?? all);

/* The children of a stream or list in their order: { prefix, id, type }. */
const childrenOf = (name) => {
  const found = [];
  const count = Number(valueOf(`${name}-count`)) || 0;
  for (let at = 0; at < count; at += 1) {
    const prefix = `${name}-${at}`;
    if (document.getElementsByName(`${prefix}-id`).length && !valueOf(`${prefix}-deleted`)) {
      found.push({
        prefix,
        id: valueOf(`${prefix}-id`),
        type: valueOf(`${prefix}-type`),
        order: Number(valueOf(`${prefix}-order`)),
      });
    }
  }
  return found.sort((one, other) => one.order - other.order);
};

/* Give each child its key as the server will (pages/keys.py): a duplicate gets one of its own. */
const withKeys = (children, name) => {
  const stored = children.map((child) => valueOf(`${child.prefix}-value-${name}`));
  const own = children.map((child) => keyFor(child.id));
  const owned = new Set(own.filter((key, at) => !stored[at] || stored[at] === key));
  return children.map((child, at) => ({
    ...child,
    key: !stored[at] || owned.has(stored[at]) ? own[at] : stored[at],
  }));
};

const choicesOf = (prefix) => {
  const name = `${prefix}-value-choices`;
  if (!document.getElementsByName(`${name}-count`).length) return null;
  return withKeys(childrenOf(name), 'value').map((one) => ({
    value: one.key,
    label: valueOf(`${one.prefix}-value-label`),
  }));
};

/* The questions of a field set that stands in the form; the server tells them. */
const fromSet = (child) =>
  (child.type === 'field_set' && sets[valueOf(`${child.prefix}-value`)]) || [];

/* The questions of a form that a condition may ask about: { key, label, kind, choices, place }. */
const questionsOf = (stream) =>
  withKeys(
    childrenOf(stream).map((child, place) => ({ ...child, place })),
    'key',
  ).flatMap((child) => {
    const { place } = child;
    if (!kinds[child.type]) return fromSet(child).map((question) => ({ ...question, place }));
    const label = valueOf(`${child.prefix}-value-label`).trim();
    return [
      {
        key: child.key,
        kind: kinds[child.type],
        label: label || filled(words.unnamed, { n: place + 1 }),
        choices: choicesOf(child.prefix),
        place,
      },
    ];
  });

const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => {
    if (value !== false && value != null) node.setAttribute(name, value === true ? '' : value);
  });
  node.append(...children);
  return node;
};

const isComparison = (part) =>
  part && typeof part === 'object' && 'field' in part && typeof part.op === 'string';

/* Rows of a stored condition. A row that is no comparison is `{ kept: part }`. */
const rowsOf = (data) => {
  if (!data || typeof data !== 'object') return { join: 'all', rows: [] };
  const join = Array.isArray(data.any) ? 'any' : 'all';
  const parts = Array.isArray(data[join]) ? data[join] : [data];
  return { join, rows: parts.map((part) => (isComparison(part) ? { ...part } : { kept: part })) };
};

const jsonOf = ({ join, rows }) => {
  const parts = rows.map((row) => (row.kept === undefined ? row : row.kept));
  if (!parts.length) return '';
  return JSON.stringify(parts.length === 1 && !('all' in parts[0]) ? parts[0] : { [join]: parts });
};

class Condition extends Controller {
  static values = { stream: String, opening: String };

  connect() {
    if (this.box) return;
    try {
      this.state = rowsOf(JSON.parse(this.element.value || 'null'));
    } catch {
      return; // not ours to touch
    }
    this.box = make('div', { class: 'hd-condition', role: 'group', 'aria-label': this.openingValue });
    this.element.after(this.box);
    this.changed = (event) => {
      if (!this.box.contains(event.target)) this.soon();
    };
    document.addEventListener('input', this.changed);
    document.addEventListener('change', this.changed);
    this.draw();
    setTimeout(() => this.box?.isConnected && this.refresh(), 0); // when all blocks are there
  }

  disconnect() {
    // a block that is moved leaves the page and comes back
    if (this.element.isConnected) return;
    document.removeEventListener('input', this.changed);
    document.removeEventListener('change', this.changed);
    clearTimeout(this.timer);
    this.box?.remove();
    this.box = null;
    this.noted?.remove();
    this.noted = null;
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), 300);
  }

  /* --- what may be asked --- */

  all() {
    return questionsOf(this.streamValue);
  }

  offered(all) {
    const match = this.element.name.match(/^(.+?)-(\d+)-value-/);
    if (!match || match[1] !== this.streamValue) return all; // it stands outside of the form
    const own = childrenOf(this.streamValue).findIndex(
      (child) => child.prefix === `${match[1]}-${match[2]}`,
    );
    return all.filter((question) => question.place < own);
  }

  operatorsOf(question) {
    return (question.choices ? choices : operators)[question.kind] || [];
  }

  /* --- keeping --- */

  store() {
    this.element.value = jsonOf(this.state);
    this.element.dispatchEvent(new Event('change', { bubbles: true }));
    this.tell();
  }

  /* --- drawing --- */

  draw() {
    const { rows } = this.state;
    this.drawnFrom = JSON.stringify(this.all());
    this.sentence = make('p', { class: 'hd-condition__sentence' });
    this.list = make('div', { class: 'hd-condition__rows' }, ...rows.map((row) => this.row(row)));
    this.adder = make(
      'button',
      { type: 'button', class: 'button button-small button-secondary' },
      rows.length ? words.another : words.add,
    );
    this.adder.addEventListener('click', () => this.add());
    this.box.replaceChildren(
      this.sentence,
      ...(rows.length > 1 ? [this.joiner()] : []),
      this.list,
      this.adder,
    );
    this.note();
    this.tell();
  }

  /* The settings of a block are closed at first: what they say stands beside them as well. */
  note() {
    const settings = this.element.closest('[data-block-settings]');
    if (!settings || this.noted) return;
    this.noted = make('p', { class: 'hd-condition__note help', hidden: true });
    settings.after(this.noted);
  }

  /* Draw anew if the form changed meanwhile, and keep the focus. */
  refresh() {
    if (!this.box?.isConnected || this.drawnFrom === JSON.stringify(this.all())) return;
    const held = [...this.box.querySelectorAll('select, input, button')];
    const at = held.indexOf(document.activeElement);
    this.draw();
    if (at >= 0) this.box.querySelectorAll('select, input, button')[at]?.focus();
  }

  joiner() {
    const select = this.select(
      [
        ['all', words.all],
        ['any', words.any],
      ],
      this.state.join,
    );
    select.addEventListener('change', () => {
      this.state.join = select.value;
      this.store();
    });
    return make('label', { class: 'hd-condition__join' }, words.join, ' ', select);
  }

  select(pairs, chosen, label) {
    const options = pairs.map(([value, text]) =>
      make('option', { value, selected: String(value) === String(chosen) }, text),
    );
    return make('select', { 'aria-label': label }, ...options);
  }

  row(row) {
    const line = make('div', { class: 'hd-condition__row' });
    this.fill(line, row);
    return line;
  }

  fill(line, row) {
    const remove = make(
      'button',
      { type: 'button', class: 'button button-small button-secondary', 'aria-label': words.remove },
      '×',
    );
    remove.title = words.remove;
    remove.addEventListener('click', () => this.remove(row));
    if (row.kept !== undefined) {
      line.replaceChildren(make('span', {}, words.kept), remove);
      return;
    }
    const all = this.all();
    const offered = this.offered(all);
    const question = all.find((one) => one.key === row.field);
    const pairs = [['', words.choose], ...offered.map((one) => [one.key, one.label])];
    if (row.field && !offered.includes(question)) {
      pairs.push([row.field, question ? filled(words.below, question) : words.gone]);
    }
    const field = this.select(pairs, row.field, words.field);
    field.addEventListener('change', () => {
      const chosen = all.find((one) => one.key === field.value);
      Object.keys(row).forEach((name) => delete row[name]);
      Object.assign(row, { field: field.value, op: chosen ? this.operatorsOf(chosen)[0].code : 'is' });
      this.fill(line, row);
      line.querySelector('select').focus();
      this.store();
    });
    line.replaceChildren(field, ...(question ? this.comparison(line, row, question) : []), remove);
    if (!offered.length && !row.field) line.append(make('span', { class: 'help' }, words.none));
  }

  comparison(line, row, question) {
    const known = this.operatorsOf(question);
    const pairs = known.map((one) => [one.code, one.label]);
    if (!known.some((one) => one.code === row.op)) pairs.push([row.op, row.op]);
    const operator = this.select(pairs, row.op, words.operator);
    operator.addEventListener('change', () => {
      const before = known.find((one) => one.code === row.op);
      const after = known.find((one) => one.code === operator.value);
      row.op = operator.value;
      if (after?.operand === 'none') delete row.value;
      else if (after?.operand === 'many' && before?.operand !== 'many') {
        row.value = row.value === undefined ? [] : [row.value];
      } else if (after?.operand !== 'many' && Array.isArray(row.value)) [row.value] = row.value;
      if (row.value === undefined) delete row.value;
      this.fill(line, row);
      line.querySelectorAll('select')[1].focus();
      this.store();
    });
    const operand = known.find((one) => one.code === row.op)?.operand;
    return [operator, ...(operand && operand !== 'none' ? this.operand(row, question, operand) : [])];
  }

  operand(row, question, operand) {
    const set = (value) => {
      if (value === undefined || value === '') delete row.value;
      else row.value = value;
      this.store();
    };
    if (operand === 'moment' || operand === 'day') return this.day(row, set);
    if (operand === 'clock') return this.clock(row, set);
    if (question.kind === 'boolean') {
      const select = this.select(
        [
          ['', words.choose],
          ['true', words.yes],
          ['false', words.no],
        ],
        row.value ?? '',
        words.value,
      );
      select.addEventListener('change', () => set(select.value && select.value === 'true'));
      return [select];
    }
    if (question.choices) return this.answers(row, question, operand, set);
    return this.typed(row, question, operand, set);
  }

  answers(row, question, operand, set) {
    const lost = [row.value ?? []].flat().filter((value) => !question.choices.some((one) => one.value === value));
    const pairs = [
      ...question.choices.map((one) => [one.value, one.label]),
      ...lost.map((value) => [value, words.lost]),
    ];
    if (operand !== 'many') {
      const select = this.select([['', words.choose], ...pairs], row.value ?? '', words.value);
      select.addEventListener('change', () => set(select.value));
      return [select];
    }
    const chosen = new Set(Array.isArray(row.value) ? row.value : []);
    const boxes = pairs.map(([value, label]) => {
      const box = make('input', { type: 'checkbox', checked: chosen.has(value) });
      box.addEventListener('change', () => {
        chosen[box.checked ? 'add' : 'delete'](value);
        set(pairs.map(([one]) => one).filter((one) => chosen.has(one)));
      });
      return make('label', {}, box, ' ', label);
    });
    return [make('span', { class: 'hd-condition__boxes', role: 'group', 'aria-label': words.value }, ...boxes)];
  }

  typed(row, question, operand, set) {
    const isMany = operand === 'many';
    const read = (text) => {
      const trimmed = text.trim();
      if (question.kind !== 'number' || !trimmed) return trimmed;
      const number = Number(trimmed.replace(',', '.'));
      return Number.isFinite(number) ? number : trimmed;
    };
    const show = (value) =>
      typeof value === 'number' && document.documentElement.lang.startsWith('de') && !isMany
        ? String(value).replace('.', ',')
        : String(value ?? '');
    const input = make('input', {
      type: 'text',
      'aria-label': isMany ? words.values : words.value,
      placeholder: isMany ? words.values : null,
      inputmode: question.kind === 'number' ? 'decimal' : null,
    });
    input.value = isMany ? [row.value ?? []].flat().map(show).join(', ') : show(row.value);
    input.addEventListener('input', () => {
      if (!isMany) return set(read(input.value));
      return set(input.value.split(',').map(read).filter((one) => one !== ''));
    });
    return [input];
  }

  clock(row, set) {
    const input = make('input', { type: 'time', 'aria-label': words.value });
    input.value = row.value ?? '';
    input.addEventListener('input', () => set(input.value.slice(0, 5)));
    return [input];
  }

  day(row, set) {
    const relative = row.value && typeof row.value === 'object' ? Object.keys(row.value)[0] : 'day';
    const unit = this.select(
      ['day', 'days_ago', 'days_ahead'].map((one) => [one, words[one]]),
      relative,
      words.unit,
    );
    const input = make('input', { 'aria-label': words.value });
    const fit = () => {
      input.type = unit.value === 'day' ? 'date' : 'number';
      input.min = unit.value === 'day' ? '' : '0';
    };
    fit();
    input.value = relative === 'day' ? (row.value ?? '') : row.value[relative];
    const keep = () => {
      if (!input.value) return set(undefined);
      return set(unit.value === 'day' ? input.value : { [unit.value]: Math.trunc(Number(input.value)) });
    };
    input.addEventListener('input', keep);
    unit.addEventListener('change', () => {
      input.value = '';
      fit();
      keep();
    });
    return unit.value === 'day' ? [unit, input] : [input, unit];
  }

  /* --- changing --- */

  add() {
    const row = { field: '', op: 'is' };
    this.state.rows.push(row);
    this.draw();
    this.list.lastElementChild.querySelector('select').focus();
    this.store();
  }

  remove(row) {
    this.state.rows = this.state.rows.filter((one) => one !== row);
    this.draw();
    this.adder.focus();
    this.store();
  }

  /* --- telling --- */

  tell() {
    const { join, rows } = this.state;
    const all = this.all();
    const parts = rows.map((row) => (row.kept === undefined ? this.part(row, all) : [words.kept]));
    const glued = parts.flatMap((part, at) => (at ? [` ${words[join === 'any' ? 'or' : 'and']} `, ...part] : part));
    this.sentence.replaceChildren(
      ...(rows.length ? [`${this.openingValue} `, ...glued, '.'] : [words.always]),
    );
    if (!this.noted) return;
    this.noted.hidden = !rows.length;
    this.noted.textContent = this.sentence.textContent;
  }

  part(row, all) {
    const question = all.find((one) => one.key === row.field);
    if (!question) return [row.field ? words.gone : UNFINISHED];
    const operator = this.operatorsOf(question).find((one) => one.code === row.op);
    const sentence = operator ? operator.sentence : `%(field)s ${row.op} %(value)s`;
    const told = {
      field: make('em', {}, question.label),
      value: make('em', {}, this.said(row, question)),
    };
    return sentence.split(/(%\(\w+\)s)/).map((piece) => {
      const name = piece.match(/^%\((\w+)\)s$/)?.[1];
      return name ? told[name] : piece;
    });
  }

  said(row, question) {
    const { value } = row;
    if (value === undefined || value === '' || (Array.isArray(value) && !value.length)) return UNFINISHED;
    if (value === true || value === false) return value ? words.yes : words.no;
    if (Array.isArray(value)) return value.map((one) => this.said({ value: one }, question)).join(', ');
    if (question.choices) return question.choices.find((one) => one.value === value)?.label || words.lost;
    if (typeof value === 'object') {
      const [[unit, n]] = Object.entries(value);
      return filled(unit === 'days_ago' ? words.today_ago : words.today_ahead, { n });
    }
    if (question.kind === 'time') {
      const [hour, minute] = String(value).split(':');
      return new Date(2000, 0, 1, hour, minute).toLocaleTimeString(document.documentElement.lang, { timeStyle: 'short' });
    }
    if (question.kind === 'date') {
      const [year, month, day] = String(value).split('-');
      return new Date(year, month - 1, day).toLocaleDateString(document.documentElement.lang);
    }
    return typeof value === 'number'
      ? value.toLocaleString(document.documentElement.lang)
      : filled(words.text, { text: value });
  }
}

if (app && source) app.register('hd-condition', Condition);
