/* The count beside the bell, and colleagues offered while one types a note. Both work without this. */
(() => {
  const EVERY = 30000;

  /* Says how many notices are unread: words such as "3", "99+" or nothing. */
  function show(unread) {
    document.querySelectorAll('[data-hd-bell]').forEach((link) => {
      if (link.dataset.hdBellCount === unread) return;
      const label = link.querySelector('.menuitem-label') || link;
      const name = label.textContent.replace(/\s*\(\d+\+?\)\s*$/, '');
      link.dataset.hdBellCount = unread;
      label.textContent = unread ? `${name} (${unread})` : name;
    });
  }
  /* Whoever polls already may bring the count along, and asks less of the server. */
  let told = Date.now();
  document.addEventListener('hd:unread', (event) => {
    told = Date.now();
    show(Number(event.detail) > 99 ? '99+' : String(event.detail || ''));
  });

  async function ask() {
    const link = document.querySelector('[data-hd-bell]');
    if (!link || document.hidden || Date.now() - told < EVERY - 1000) return;
    try {
      const answer = await fetch(link.dataset.hdBell, {
        headers: { 'X-Requested-With': 'XMLHttpRequest' },
      });
      if (answer.ok && !answer.redirected) {
        document.dispatchEvent(
          new CustomEvent('hd:unread', { detail: (await answer.json()).unread }),
        );
      }
    } catch {
      // the next time
    }
  }
  setInterval(ask, EVERY);
  document.addEventListener('visibilitychange', ask);

  const { app } = window.wagtail || {};
  const { Controller } = window.StimulusModule || {};
  if (!app || !Controller) return;

  const BEGUN = /(?:^|[^\p{L}\p{N}_.+@-])@([\p{L}\p{N}_.+-]{0,150})$/u;

  /* A text field with a list of names below it: the ARIA pattern of a combobox with a list box. */
  class Mention extends Controller {
    connect() {
      this.people = [];
      this.active = -1;
    }

    disconnect() {
      clearTimeout(this.timer);
    }

    /* The button: writes the @ for whoever does not know of it. */
    begin() {
      const field = this.inputTarget;
      const at = field.selectionStart;
      const before = field.value.slice(0, at);
      const gap = before && !/\s$/.test(before) ? ' @' : '@';
      field.setRangeText(gap, at, field.selectionEnd, 'end');
      field.focus();
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }

    typed() {
      const field = this.inputTarget;
      if (field.selectionStart !== field.selectionEnd) return null;
      const found = BEGUN.exec(field.value.slice(0, field.selectionStart));
      return found ? found[1] : null;
    }

    look() {
      clearTimeout(this.timer);
      if (this.typed() === null) this.close();
      else this.timer = setTimeout(() => this.fetch(), 150);
    }

    async fetch() {
      const typed = this.typed();
      if (typed === null) return;
      let people = null;
      try {
        const answer = await fetch(`${this.urlValue}?q=${encodeURIComponent(typed)}`, {
          headers: { 'X-Requested-With': 'XMLHttpRequest' },
        });
        if (answer.ok) people = (await answer.json()).people;
      } catch {
        // the name can be typed
      }
      if (people && typed === this.typed()) this.open(people);
    }

    open(people) {
      this.people = people;
      this.listTarget.replaceChildren(
        ...people.map((person, index) => {
          const item = document.createElement('li');
          item.id = `hd-mention-${index}`;
          item.setAttribute('role', 'option');
          const name = document.createElement('span');
          name.textContent = person.name;
          const login = document.createElement('span');
          login.className = 'hd-quiet';
          login.textContent = `@${person.login}`;
          item.append(name, login);
          // before the field loses the focus
          item.addEventListener('mousedown', (event) => {
            event.preventDefault();
            this.take(index);
          });
          return item;
        }),
      );
      const { none, some } = this.statusTarget.dataset;
      this.statusTarget.textContent = people.length ? some.replace('__COUNT__', people.length) : none;
      if (!people.length) {
        this.close();
        return;
      }
      const field = this.inputTarget;
      field.setAttribute('role', 'combobox');
      field.setAttribute('aria-autocomplete', 'list');
      field.setAttribute('aria-haspopup', 'listbox');
      field.setAttribute('aria-controls', this.listTarget.id);
      field.setAttribute('aria-expanded', 'true');
      this.listTarget.hidden = false;
      this.mark(0);
    }

    mark(index) {
      this.active = index;
      [...this.listTarget.children].forEach((item, rank) => {
        item.setAttribute('aria-selected', String(rank === index));
      });
      this.inputTarget.setAttribute('aria-activedescendant', `hd-mention-${index}`);
    }

    key(event) {
      if (this.listTarget.hidden || event.isComposing) return;
      const last = this.people.length - 1;
      if (event.key === 'ArrowDown') this.mark(this.active >= last ? 0 : this.active + 1);
      else if (event.key === 'ArrowUp') this.mark(this.active <= 0 ? last : this.active - 1);
      else if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) this.take(this.active);
      else if (event.key === 'Escape') this.close();
      else return; // Tab goes on to the next field
      event.preventDefault();
      event.stopPropagation();
    }

    take(index) {
      const person = this.people[index];
      const field = this.inputTarget;
      const end = field.selectionStart;
      const typed = this.typed();
      if (person && typed !== null) {
        field.setRangeText(`@${person.login} `, end - typed.length - 1, end, 'end');
      }
      this.close();
      field.focus();
    }

    close() {
      clearTimeout(this.timer);
      this.people = [];
      this.active = -1;
      this.listTarget.hidden = true;
      const field = this.inputTarget;
      ['role', 'aria-autocomplete', 'aria-haspopup', 'aria-controls', 'aria-expanded', 'aria-activedescendant'].forEach(
        (name) => field.removeAttribute(name),
      );
    }
  }
  Mention.targets = ['input', 'list', 'status'];
  Mention.values = { url: String };
  app.register('hd-mention', Mention);
})();
