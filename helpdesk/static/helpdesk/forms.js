/* Forms of the public: what is asked under conditions, and one step at a time. No library.

   Everything works without this: all is shown then, and the server decides alone. `decide` says the same as
   pages/asking.py, a test compares them. Nothing typed is kept in the browser beyond the page: computers
   in pools have many users, and a form may hold what is personal. */

/* --- conditions ------------------------------------------------------------------------------- */

/* Letters that are one when case does not count, where browsers and Python differ. */
const folded = (text) => String(text).replace(/[İı]/g, 'i');
const escaped = (text) => folded(text).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

const textHolds = (code, item, value) => {
  const any = [value].flat().map(escaped).join('|');
  const before = ['is', 'in', 'starts_with'].includes(code) ? '^' : '';
  const after = ['is', 'in', 'ends_with'].includes(code) ? '$' : '';
  return new RegExp(`${before}(?:${any})${after}`, 'iu').test(folded(item));
};

const dayOf = (value, today) => {
  if (typeof value === 'string') return value;
  const [[unit, amount]] = Object.entries(value);
  const day = new Date(`${today}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + (unit === 'days_ago' ? -amount : amount));
  return day.toISOString().slice(0, 10);
};

const ORDER = {
  is: (item, value) => item === value,
  in: (item, value) => value.includes(item),
  lt: (item, value) => item < value,
  le: (item, value) => item <= value,
  gt: (item, value) => item > value,
  ge: (item, value) => item >= value,
  before: (item, value) => item < value,
  after: (item, value) => item > value,
};

const compares = (type, code, item, value, today) => {
  if (type === 'text' || type === 'list') return textHolds(code, item, value);
  return ORDER[code](item, type === 'date' ? dayOf(value, today) : value);
};

/* Tell whether a condition holds; `values` by key, `types` by key; `given` has `today` and `negates`. */
export const holds = (tree, values, types, given) => {
  if (tree.all) return tree.all.every((part) => holds(part, values, types, given));
  if (tree.any) return tree.any.some((part) => holds(part, values, types, given));
  if (tree.not) return !holds(tree.not, values, types, given);
  const opposite = given.negates[tree.op];
  const code = opposite || tree.op;
  const items = [values[tree.field] ?? []].flat().filter((item) => item !== '' && item != null);
  const held =
    code === 'empty'
      ? !items.length
      : items.some((item) => compares(types[tree.field], code, item, tree.value, given.today));
  return opposite ? !held : held;
};

/* Return the places shown and the keys that must be answered: { places: [0, 2], required: ["f1"] }. */
export const decide = (given, valueOf) => {
  const types = Object.fromEntries(given.rows.map((row) => [row.key, row.type]));
  const values = {};
  const places = [];
  const required = [];
  let isStep = true;
  let isSection = true;
  given.rows.forEach((row, place) => {
    const held = !row.shown || holds(row.shown, values, types, given);
    if (row.kind === 'step') [isStep, isSection] = [held, true];
    if (row.kind === 'section') isSection = held;
    if (!(isStep && isSection && held)) return;
    places.push(place);
    if (row.type) values[row.key] = valueOf(row);
    if (row.required && holds(row.required, values, types, given)) required.push(row.key);
  });
  return { places, required };
};

/* Return what stands in the controls of a field, as the server would read it. */
export const readAs = (type, controls, decimal) => {
  const [first] = controls;
  if (!first) return null;
  if (type === 'list') {
    const chosen = controls.flatMap((one) =>
      one.selectedOptions ? [...one.selectedOptions] : one.checked ? [one] : [],
    );
    return chosen.map((one) => one.value);
  }
  if (type === 'boolean' && first.type === 'checkbox') return first.checked;
  const holder = first.type === 'radio' ? controls.find((one) => one.checked) : first;
  const text = (holder?.value ?? '').trim();
  if (!text) return null;
  if (type === 'boolean') return ['yes', 'true', 'on', '1'].includes(text.toLowerCase());
  if (type === 'date') return isoOf(text);
  if (type === 'time') return clockOf(text);
  if (type !== 'number') return text;
  const bare = ungrouped(text, decimal);
  const plain = decimal === '.' ? bare : bare.replace(decimal, '.');
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : null;
};

/* As numbers.ungrouped: a number without the signs between its thousands. */
const ungrouped = (text, decimal) => {
  const group = decimal === ',' ? '.' : ',';
  const found = text.match(
    new RegExp(`^[+-]?[1-9]\\d{0,2}([${group} \u00a0\u202f])\\d{3}(?:\\1\\d{3})*(?:\\${decimal}\\d+)?$`),
  );
  return found ? text.replaceAll(found[1], '') : text;
};

const isoOf = (text) => {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return text;
  const [, day, month, year] = text.match(/^(\d{1,2})[./](\d{1,2})[./](\d{4})$/) || [];
  return day ? `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}` : null;
};

/* As inputs/times.py: a time of day as HH:MM, so that two compare as texts do. */
const clockOf = (text) => {
  const found =
    text.match(/^(2[0-3]|[01]?\d):([0-5]?\d)(?::[0-5]?\d)?$/) || text.match(/^(2[0-3]|[01]?\d)\.([0-5]?\d)$/);
  const [, hour, minute] = found || [];
  return hour ? `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}` : null;
};

/* --- the form --------------------------------------------------------------------------------- */

const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
  node.append(...children);
  return node;
};

const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (all, name) => values[name] ?? all);
const counted = (pair, n) => filled(pair[n === 1 ? 0 : 1], { n });
const controlsOf = (part) =>
  [...part.querySelectorAll('input, select, textarea')].filter(
    (one) => one.type !== 'hidden' && !one.closest('[data-held]'),
  );

/* The names of the files that the server holds for a field, without those to be left out. */
const heldIn = (part) =>
  [...part.querySelectorAll('[data-held]')]
    .filter((one) => !one.querySelector('[type="checkbox"]').checked)
    .map((one) => one.dataset.held);


/* The fields of a step; what stands within one (the rows of a list) belongs to it. */
const namedIn = (step) =>
  [...step.querySelectorAll('[data-name]')].filter((part) => !part.parentElement.closest('[data-name]'));

/* Shows and hides the parts of a form, and marks what must be answered. */
class Asking {
  constructor(form, given) {
    Object.assign(this, { form, given });
    this.parts = new Map(
      [...form.querySelectorAll('[data-part]')].map((part) => [Number(part.dataset.part), part]),
    );
    this.live = form.querySelector('[data-live]');
    form.querySelectorAll('.form__when').forEach((node) => {
      const help = node.parentElement;
      node.remove();
      if (help.matches('.field__help') && !help.textContent.trim()) help.hidden = true;
    });
    this.marks = given.rows.map((row, place) => this.markOf(row, place));
  }

  /* The mark "(optional)" of a field that must be answered only sometimes. */
  markOf(row, place) {
    const label = row.required && this.parts.get(place)?.querySelector('legend, label');
    if (!label) return null;
    const there = label.querySelector('.field__mark');
    if (there) return there;
    const mark = make('span', { class: 'field__mark' }, this.given.words.optional);
    label.append(' ', mark);
    return mark;
  }

  valueOf(row) {
    const name = `q_${row.key}`;
    const controls = [...this.form.elements].filter((one) => one.name === name);
    return readAs(row.type, controls, this.given.decimal);
  }

  update(tell = true) {
    const { places, required } = decide(this.given, (row) => this.valueOf(row));
    let added = 0;
    this.given.rows.forEach((row, place) => {
      const part = this.parts.get(place);
      if (!part) return;
      if (this.marks[place]) this.marks[place].hidden = required.includes(row.key);
      if (row.kind === 'step') return this.skip(part, !places.includes(place));
      const isHidden = !places.includes(place);
      if (part.hidden === isHidden) return;
      part.hidden = isHidden;
      controlsOf(part).forEach((one) => {
        one.disabled = isHidden;
      });
      if (!isHidden && row.kind === 'field') added += 1;
    });
    if (tell && added) this.say(counted(this.given.words.added, added));
  }

  /* A step that is not asked; the first is, always: name and address stand in it. */
  skip(part, isSkipped) {
    if (part.querySelector('[data-name="contact_name"]')) return;
    part.toggleAttribute('data-skipped', isSkipped);
    if (!this.form.matches('[data-steps]')) part.hidden = isSkipped;
  }

  say(text) {
    clearTimeout(this.timer);
    this.live.textContent = '';
    this.timer = setTimeout(() => {
      this.live.textContent = text;
    }, 400);
  }
}

/* --- errors of a step ------------------------------------------------------------------------- */

const forget = (part) => {
  part.querySelectorAll('.field--invalid').forEach((one) => one.classList.remove('field--invalid'));
  part.querySelectorAll('.field__error').forEach((one) => one.remove());
  part.querySelectorAll('.rows__row--invalid').forEach((one) => one.classList.remove('rows__row--invalid'));
  controlsOf(part).forEach((one) => one.removeAttribute('aria-invalid'));
};

const complain = (part, messages, words) => {
  const field = part.querySelector('.field') || part;
  const controls = controlsOf(part);
  const id = `${part.dataset.name ?? controls[0].name}_wrong`;
  const list = make('ul', { class: 'field__error', id });
  messages.forEach((message) => {
    list.append(make('li', {}, make('span', { class: 'visually-hidden' }, words.error), ` ${message}`));
  });
  field.classList.add('field--invalid');
  // of a list its own help, not that of a cell or of the box for pasting
  const help = field.querySelector(field.matches('[data-rows]') ? ':scope > fieldset > .field__help' : '.field__help');
  const label = field.querySelector('legend, label');
  (help || label || field).after(list);
  const described = field.querySelector('fieldset') ? [field.querySelector('fieldset')] : controls;
  described.forEach((one) => {
    const others = (one.getAttribute('aria-describedby') || '').split(' ').filter((name) => name && name !== id);
    one.setAttribute('aria-describedby', [...others, id].join(' '));
  });
  // of a list its cells are marked, each with its own message
  if (!part.querySelector('[data-rows]')) controls.forEach((one) => one.setAttribute('aria-invalid', 'true'));
};

/* A list of rows: what is wrong with the list stands at its head, all else at the cell. */
const complainOfRows = (part, { general, cells }, words) => {
  if (general.length) complain(part, general, words);
  Object.entries(cells).forEach(([name, messages]) => {
    const cell = controlsOf(part).find((one) => one.name === name)?.closest('.field--cell');
    if (!cell) return;
    complain(cell, messages, words);
    cell.closest('[data-row-item]').classList.add('rows__row--invalid');
  });
};

/* What is wrong with the files chosen, as far as it can be told here; their content is the server's to look at. */
const wrongFiles = (control) => {
  const { endings, most, bytes, wrongEnding, wrongMany, wrongSize } = control.dataset;
  if (!endings) return [];
  const files = [...control.files];
  const held = heldIn(control.closest('[data-name]'));
  const number = held.length + files.filter(({ name }) => !held.includes(name)).length;
  const possible = endings.split(' ');
  return [
    ...(number > Number(most) ? [wrongMany] : []),
    ...files.flatMap(({ name, size }) => [
      ...(possible.includes(name.split('.').slice(1).pop()?.toLowerCase()) ? [] : [filled(wrongEnding, { name })]),
      ...(size > Number(bytes) ? [filled(wrongSize, { name })] : []),
    ]),
  ];
};

/* Ask the server for the errors of a form. Files stay here: they are sent once, with all the rest. */
const errorsOf = async (form) => {
  const data = new FormData(form);
  [...new Set(data.keys())].forEach((name) => {
    if (data.getAll(name).some((value) => value instanceof File)) data.delete(name);
  });
  data.append('check_step', '1');
  const answer = await fetch(form.getAttribute('action'), {
    method: 'POST',
    body: data,
    headers: { Accept: 'application/json' },
    credentials: 'same-origin',
  });
  return answer.json();
};

/* Show the errors of some parts and return those that have any; without an address (a preview) there are none. */
const check = async (form, asking, parts) => {
  parts.forEach(forget);
  if (!form.hasAttribute('action')) return [];
  // without an answer the server looks at all in the end
  const { errors = {}, lists = {} } = await errorsOf(form).catch(() => ({}));
  const found = parts
    .filter((part) => !part.hidden)
    .map((part) => {
      const chosen = controlsOf(part).find((one) => one.type === 'file' && one.files.length);
      return [part, chosen ? wrongFiles(chosen) : errors[part.dataset.name] || []];
    });
  const wrong = found.filter(([, messages]) => messages.length);
  wrong.forEach(([part, messages]) => {
    const { name } = part.dataset;
    if (lists[name]) complainOfRows(part, lists[name], asking.given.words);
    else complain(part, messages, asking.given.words);
  });
  if (wrong.length) {
    asking.say(counted(asking.given.words.wrong, wrong.length));
    lead(wrong[0][0]);
  }
  return wrong.map(([part]) => part);
};

const lead = (part) => {
  const controls = controlsOf(part);
  (controls.find((one) => one.matches('[aria-invalid="true"]')) ?? controls[0])?.focus();
};

/* A form with files is checked before it is sent: so they travel once, and errors of the rest show at once. */
const keepFiles = (form, asking, steps) => {
  let isRight = false;
  let isChecking = false;
  form.addEventListener('submit', async (event) => {
    const hasFiles = [...form.elements].some((one) => one.type === 'file' && !one.disabled && one.files.length);
    if (isRight || event.defaultPrevented || event.submitter?.name || !hasFiles) return;
    event.preventDefault();
    if (isChecking) return;
    isChecking = true;
    const wrong = await check(form, asking, namedIn(form));
    isChecking = false;
    if (wrong.length) {
      const step = wrong[0].closest('[data-step]');
      if (steps && step) steps.go(step);
      lead(wrong[0]);
      return;
    }
    isRight = true;
    form.requestSubmit(event.submitter);
    isRight = false;
  });
};

/* --- steps ------------------------------------------------------------------------------------ */

class Steps {
  constructor(form, asking) {
    Object.assign(this, { form, asking, words: asking.given.words });
    this.all = [...form.querySelectorAll('[data-step]')];
    [this.back, this.next, this.send, this.progress, this.summary, this.note] = [
      'back',
      'next',
      'send',
      'progress',
      'summary',
      'note',
    ].map((name) => form.querySelector(`[data-${name}]`));
    this.last = this.all[this.all.length - 1];
    this.done = new Set();
    this.back.addEventListener('click', () => this.turn(-1));
    this.next.addEventListener('click', () => this.goOn());
    form.addEventListener('submit', (event) => {
      if (this.current === this.last) return;
      event.preventDefault();
      this.goOn();
    });
    window.addEventListener('popstate', (event) => {
      const step = this.all[event.state?.formStep ?? -1];
      if (step && !step.matches('[data-skipped]')) this.open(step, { focus: true });
    });
    this.progress.append(make('ol'));
    this.progress.hidden = false;
    this.summary.hidden = false;
    this.last.querySelector('h2').hidden = false;
    const opened = asking.given.is_checked_last ? this.last : form.querySelector('[data-open]');
    const start = opened || this.all[0];
    this.all.slice(0, this.all.indexOf(start)).forEach((step) => this.done.add(step));
    this.open(start, {});
    history.replaceState({ ...history.state, formStep: this.all.indexOf(start) }, '');
    this.follow();
  }

  /* Links of the list of errors lead into steps that are closed. */
  follow() {
    document.querySelectorAll('#problems a[href^="#"]').forEach((link) => {
      link.addEventListener('click', (event) => {
        const target = document.getElementById(link.hash.slice(1));
        const step = target?.closest('[data-step]');
        if (!step) return;
        event.preventDefault();
        this.go(step);
        target.focus();
      });
    });
  }

  asked() {
    return this.all.filter((step) => !step.matches('[data-skipped]'));
  }

  turn(by) {
    const steps = this.asked();
    const step = steps[steps.indexOf(this.current) + by];
    if (step) this.go(step);
  }

  go(step) {
    if (step !== this.current) history.pushState({ formStep: this.all.indexOf(step) }, '');
    this.open(step, { focus: true });
  }

  open(step, { focus }) {
    this.current = step;
    this.all.forEach((one) => {
      one.hidden = one !== step;
    });
    const isLast = step === this.last;
    this.back.hidden = step === this.asked()[0];
    this.next.hidden = isLast;
    this.send.hidden = !isLast;
    this.note.hidden = isLast; // nothing is left to be filled in
    if (isLast) this.summarise();
    this.count();
    if (focus) {
      const heading = step.querySelector('h2');
      heading.focus({ preventScroll: true });
      this.form.scrollIntoView({ block: 'start' });
    }
  }

  /* Number the steps that are asked, in their headings and in the list. */
  count() {
    const steps = this.asked();
    steps.forEach((step, at) => {
      const heading = step.querySelector('h2');
      const { title } = heading.dataset;
      heading.textContent = filled(this.words.step, { n: at + 1, all: steps.length, title });
    });
    this.progress.querySelector('ol').replaceChildren(...steps.map((step) => this.entry(step)));
  }

  entry(step) {
    const { title } = step.querySelector('h2').dataset;
    if (step === this.current) return make('li', { 'aria-current': 'step' }, title);
    if (!this.done.has(step)) return make('li', {}, title);
    const link = make('a', { href: '#' }, title);
    link.addEventListener('click', (event) => {
      event.preventDefault();
      this.go(step);
    });
    return make('li', { class: 'is-done' }, link);
  }

  async goOn() {
    if (this.isChecking) return;
    this.isChecking = true;
    this.next.setAttribute('aria-busy', 'true');
    const step = this.current;
    const isRight = await this.check(step).catch(() => true); // the server looks at all in the end
    this.next.removeAttribute('aria-busy');
    this.isChecking = false;
    if (!isRight || step !== this.current) return;
    this.done.add(step);
    this.turn(1);
  }

  /* Ask for the errors of a step, and show them; true if there are none. */
  async check(step) {
    return !(await check(this.form, this.asking, namedIn(step))).length;
  }

  /* --- what was answered, to be looked through --- */

  summarise() {
    const steps = this.asked().filter((step) => step !== this.last);
    this.summary.replaceChildren(...steps.map((step) => this.section(step)));
  }

  section(step) {
    const { title } = step.querySelector('h2').dataset;
    const named = filled(this.words.change_step, { title });
    const link = make('a', { href: '#', 'aria-label': named }, this.words.change);
    link.addEventListener('click', (event) => {
      event.preventDefault();
      this.go(step);
    });
    const rows = namedIn(step)
      .filter((part) => !part.hidden && controlsOf(part).length)
      .map((part) => {
        const said = answerOf(part, this.words.yes) || this.words.nothing;
        return make('div', {}, make('dt', {}, labelOf(part)), make('dd', {}, said));
      });
    return make('section', {}, make('header', {}, make('h3', {}, title), link), make('dl', {}, ...rows));
  }
}

const textOf = (label) => {
  const copy = label.cloneNode(true);
  copy.querySelectorAll('.field__mark, input, select, textarea').forEach((one) => one.remove());
  return copy.textContent.trim();
};

const labelOf = (part) => textOf(part.querySelector('legend, label') || part);

const labelFor = (control) => (control.labels?.[0] ? textOf(control.labels[0]) : '');

const saidBy = (control) => {
  if (control.type === 'checkbox' || control.type === 'radio') return labelFor(control);
  if (control.selectedOptions) {
    return [...control.selectedOptions].filter((one) => one.value).map((one) => one.text).join(', ');
  }
  if (control.type === 'file') {
    const chosen = [...control.files].map((file) => file.name);
    return [...new Set([...heldIn(control.closest('[data-name]')), ...chosen])].join(', ');
  }
  if (control.type === 'date' && control.value) {
    return new Date(`${control.value}T00:00`).toLocaleDateString(document.documentElement.lang);
  }
  return control.value.trim();
};

/* Return the rows of a list in words, as the ticket will show them: one on each line, without empty ones. */
const rowsOf = (part, yes) =>
  [...part.querySelectorAll('[data-rows-list] > [data-row-item]')]
    .map((row) =>
      [...row.querySelectorAll('.field--cell')]
        .map((cell) => [labelOf(cell), answerOf(cell, yes)])
        .filter(([, said]) => said)
        .map(([label, said]) => `${label}: ${said}`)
        .join(', '),
    )
    .filter(Boolean)
    .map((said, at) => `${at + 1}. ${said}`)
    .join('\n');

/* Return in words what was answered in a part; several texts each with its label. */
const answerOf = (part, yes) => {
  if (part.querySelector('[data-rows]')) return rowsOf(part, yes);
  const [lone, ...more] = controlsOf(part);
  if (lone.type === 'checkbox' && !more.length && !part.querySelector('fieldset')) {
    return lone.checked ? yes : '';
  }
  const controls = controlsOf(part).filter(
    (one) => !['checkbox', 'radio'].includes(one.type) || one.checked,
  );
  const isBoxed = controlsOf(part).every((one) => ['checkbox', 'radio'].includes(one.type));
  const isMany = !isBoxed && controlsOf(part).length > 1;
  return controls
    .map((one) => [labelFor(one), saidBy(one)])
    .filter(([, said]) => said)
    .map(([label, said]) => (isMany && label && label !== said ? `${label}: ${said}` : said))
    .join(isBoxed ? ', ' : '\n');
};

/* --- start ------------------------------------------------------------------------------------ */

const start = (form) => {
  const given = JSON.parse(document.getElementById('form-asking').textContent);
  const asking = new Asking(form, given);
  asking.update(false);
  const steps = form.matches('[data-steps]') ? new Steps(form, asking) : null;
  keepFiles(form, asking, steps);
  form.setAttribute('data-ready', '');
  ['input', 'change'].forEach((name) => {
    form.addEventListener(name, () => {
      asking.update();
      steps?.count();
    });
  });
  // what the browser filled in by itself, after going back
  window.addEventListener('pageshow', () => {
    asking.update(false);
    steps?.count();
  });
};

document.querySelectorAll('form[data-asking]').forEach(start);
