/* Lists of rows in forms: add and remove without going to the server, and fill in what is pasted from a table.

   Everything works without this: buttons send the form, and the server does the same. What is pasted is read
   as in pages/pasting.py. No library. */

/* --- pasted tables ---------------------------------------------------------------------------- */

/* As pasting.plain: letters and digits in lower case. */
export const plain = (text) =>
  String(text)
    .replace(/[^\p{L}\p{N}]+/gu, '')
    .toLowerCase()
    .replace(/ß/g, 'ss');

/* Return the cells of a text, row by row; cells in quotes may hold signs and line breaks. */
export const cellsOf = (text) => {
  const bare = text.replace(/"[^"]*"/g, ''); // a cell in quotes may hold the signs
  const [sign = '\t'] = [bare, text].flatMap((part) => ['\t', ';', ','].filter((one) => part.includes(one)));
  const rows = [[]];
  let cell = '';
  let quoted = false;
  let ended = false; // a cell in quotes: what comes now belongs to it as it is
  const end = () => {
    rows[rows.length - 1].push(cell.trim().replace(/\s+/g, ' '));
    cell = '';
    ended = false;
  };
  const letters = text.replace(/\r\n?/g, '\n');
  for (let at = 0; at < letters.length; at += 1) {
    const letter = letters[at];
    if (quoted && letter === '"' && letters[at + 1] === '"') {
      cell += letter;
      at += 1;
    } else if (quoted) {
      quoted = letter !== '"';
      ended = !quoted;
      if (quoted) cell += letter;
    } else if (letter === '"' && !cell && !ended) {
      quoted = true;
    } else if (letter === sign) {
      end();
    } else if (letter === '\n') {
      end();
      rows.push([]);
    } else {
      cell += letter;
    }
  }
  end();
  return rows.filter((row) => row.some(Boolean));
};

/* Return what stands in which column: an order of keys (null: none), and the rows below a header. */
export const ordered = (rows, columns) => {
  const [first = []] = rows;
  const named = first.map((cell) => columns.find((one) => plain(cell) && one.names.includes(plain(cell))));
  if (first.length && 2 * named.filter(Boolean).length >= first.length) {
    return { order: named.map((one) => one?.key ?? null), rows: rows.slice(1), isNamed: true };
  }
  return { order: columns.map((one) => one.key), rows, isNamed: false };
};

/* As pasting.day: a day as YYYY-MM-DD, '' for what is none. */
export const dayOf = (text) => {
  const [, day, month, year] = text.match(/^(\d{1,2})[./] ?(\d{1,2})[./] ?(\d{4}|\d{2})$/) || [];
  const full = year?.length === 2 ? `${Number(year) >= 69 ? 19 : 20}${year}` : year;
  const iso = day ? `${full}-${month.padStart(2, '0')}-${day.padStart(2, '0')}` : text;
  if (!/^\d{4}-\d\d-\d\d$/.test(iso) || iso.startsWith('0000')) return '';
  const found = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(found.getTime()) && found.toISOString().startsWith(iso) ? iso : '';
};

/* As Reading.value and Reading.fits: what is sent for the text of a cell, and whether it can stand there. */
export const valueOf = (column, text) =>
  column.type === 'date' ? dayOf(text) || text : (column.values[plain(text)] ?? text);

/* As Reading.sent: all that is sent for the text of a cell: several answers, where several may be given. */
export const sentFor = (column, text) => {
  if (column.type !== 'choices') return [valueOf(column, text)];
  const sign = text.includes(';') ? ';' : ',';
  const parts = Object.hasOwn(column.values, plain(text)) ? [text] : text.split(sign).map((one) => one.trim());
  return [...new Set(parts.filter(Boolean).map((one) => valueOf(column, one)))];
};

export const fits = (column, text) => {
  if (column.type === 'date') return Boolean(dayOf(valueOf(column, text)));
  const values = Object.values(column.values);
  const sent = sentFor(column, text);
  return !values.length || (sent.length > 0 && sent.every((one) => values.includes(one)));
};

const quoted = (cell) => (cell.startsWith('"') ? `"${cell.replaceAll('"', '""')}"` : cell);

/* --- the list --------------------------------------------------------------------------------- */

class Rows {
  constructor(node) {
    this.node = node;
    this.words = node.dataset;
    [this.list, this.count, this.more, this.blank, this.status, this.paste, this.filler, this.left] = [
      'list',
      'count',
      'add',
      'blank',
      'status',
      'paste',
      'fill',
      'left',
    ].map((name) => node.querySelector(`[data-rows-${name}]`));
    this.columns = JSON.parse(node.querySelector('script[type="application/json"]').textContent);
    this.least = Math.max(Number(this.words.min), 1);
    this.most = Number(this.words.max);
    this.more.addEventListener('click', (event) => {
      event.preventDefault();
      this.addOne();
    });
    this.filler.addEventListener('click', (event) => {
      event.preventDefault();
      this.fillIn();
    });
    this.list.addEventListener('click', (event) => {
      const button = event.target.closest('[data-rows-remove]');
      if (!button) return;
      event.preventDefault();
      this.remove(button.closest('[data-row-item]'));
    });
    this.list.addEventListener('paste', (event) => this.pasted(event));
    this.trim();
    this.number();
  }

  get rows() {
    return [...this.list.querySelectorAll('[data-row-item]')];
  }

  controls(row) {
    return [...row.querySelectorAll('input, select, textarea')];
  }

  isEmpty(row) {
    return this.controls(row).every((one) => (one.type === 'checkbox' ? !one.checked : !one.value.trim()));
  }

  /* Empty rows offered to those without scripts are not needed. */
  trim() {
    const { rows } = this;
    while (rows.length > this.least && this.isEmpty(rows[rows.length - 1])) rows.pop().remove();
  }

  /* Give rows their places: in names, ids, and what people and screen readers read. */
  number() {
    const name = this.words.name.replace(/[^\w]/g, '\\$&');
    const places = new RegExp(`(^|\\s|id_)(${name})-(?:\\d+|__n__)-`, 'g');
    this.rows.forEach((row, at) => {
      row.querySelectorAll('*').forEach((one) => {
        ['name', 'id', 'for', 'aria-describedby'].forEach((attribute) => {
          const was = one.getAttribute(attribute);
          if (was && !one.matches('[data-rows-remove]')) one.setAttribute(attribute, was.replace(places, `$1$2-${at}-`));
        });
      });
      const called = `${this.words.row} ${at + 1}`;
      row.querySelector('[data-row-name]').textContent = called;
      row.querySelector('[data-row-of]').textContent = ` ${called}`;
      row.querySelector('[data-rows-remove]').value = at;
    });
    this.count.value = this.rows.length;
    this.more.disabled = this.rows.length >= this.most;
  }

  add() {
    if (this.rows.length >= this.most) return null;
    this.list.append(this.blank.content.cloneNode(true));
    this.number();
    return this.rows[this.rows.length - 1];
  }

  addOne() {
    const row = this.add();
    if (!row) return;
    this.controls(row)[0].focus();
    this.say(`${this.words.added} ${this.words.row} ${this.rows.length}`);
  }

  remove(row) {
    const at = this.rows.indexOf(row);
    const called = row.querySelector('[data-row-name]').textContent;
    row.remove();
    if (!this.rows.length) this.add();
    this.number();
    const next = this.rows[at];
    (next ? next.querySelector('[data-rows-remove]') : this.more).focus();
    this.say(`${this.words.removed} ${called}`);
    this.changed();
  }

  /* --- pasted --- */

  pasted(event) {
    const row = event.target.closest('[data-row-item]');
    const text = event.clipboardData?.getData('text/plain') || '';
    const isTable = /[\t\n]/.test(text.trim()) || /;/.test(text);
    if (!row || !isTable || event.target.matches('textarea')) return;
    const cells = cellsOf(text);
    if (cells.length < 2 && (cells[0] || []).length < 2) return;
    event.preventDefault();
    const { order, rows, isNamed } = ordered(cells, this.columns);
    const column = this.columns.findIndex((one) => event.target.name.endsWith(`-${one.key}`));
    const keys = isNamed ? order : order.slice(column);
    const start = this.rows.indexOf(row);
    this.fill(rows, keys, (at) => this.rows[start + at] || this.add());
  }

  fillIn() {
    const { order, rows } = ordered(cellsOf(this.paste.value), this.columns);
    const free = this.rows.filter((row) => this.isEmpty(row));
    this.paste.value = '';
    this.fill(rows, order, () => free.shift() || this.add());
  }

  /* Fill rows; what finds no room, or fits nowhere, stands in the box for pasting, so that nothing is lost. */
  fill(rows, keys, rowFor) {
    const left = [];
    let filled = 0;
    let last = null;
    let misfit = null;
    let isFull = false;
    rows.forEach((cells) => {
      const wrong = this.misfit(cells, keys);
      const row = wrong || isFull ? null : rowFor(filled);
      if (wrong) misfit ??= wrong;
      else if (!row) isFull = true;
      if (!row) return left.push(this.lineOf(cells, keys));
      keys.forEach((key, place) => key && cells[place] && this.set(row, key, cells[place]));
      filled += 1;
      last = row;
    });
    if (left.length) {
      this.paste.value = left.join('\n');
      this.paste.closest('details').open = true;
    }
    const said = misfit ? this.saidOf(misfit, left.length) : '';
    this.left.textContent = said;
    this.left.hidden = !misfit;
    this.say([`${this.words.filled} ${filled}.`, isFull ? this.words.full : '', said].filter(Boolean).join(' '));
    if (misfit) this.paste.focus();
    else if (last) this.controls(last)[0].focus();
    this.changed();
  }

  columnOf(key) {
    return this.columns.find((one) => one.key === key);
  }

  /* Return the first cell of a row that its column cannot show, with that column. */
  misfit(cells, keys) {
    const wrong = keys.findIndex((key, at) => key && cells[at] && !fits(this.columnOf(key), cells[at]));
    return wrong < 0 ? null : { cell: cells[wrong], column: this.columnOf(keys[wrong]).label };
  }

  saidOf({ cell, column }, number) {
    const words = number === 1 ? this.words.misfit : this.words.misfits;
    return words.replace('CELL', () => cell).replace('COLUMN', () => column);
  }

  /* A row as it was, in the order of the columns: it is read again without the line that named them. */
  lineOf(cells, keys) {
    return this.columns.map((one) => quoted(cells[keys.indexOf(one.key)] ?? '')).join('\t');
  }

  set(row, key, text) {
    const sent = sentFor(this.columnOf(key), text);
    this.controls(row)
      .filter((one) => one.name.endsWith(`-${key}`))
      .forEach((one) => {
        if (one.type === 'checkbox') one.checked = sent.includes(one.value);
        else [one.value] = sent;
      });
  }

  changed() {
    this.list.dispatchEvent(new Event('change', { bubbles: true }));
  }

  say(text) {
    clearTimeout(this.timer);
    this.status.textContent = '';
    this.timer = setTimeout(() => {
      this.status.textContent = text;
    }, 100);
  }
}

document.querySelectorAll('[data-rows]').forEach((node) => new Rows(node));
