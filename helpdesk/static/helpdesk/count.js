/* How many characters of a long text are left; told now and then to who does not see it. No library. */

document.querySelectorAll('[data-count]').forEach((node) => {
  const control = document.getElementById(node.dataset.count);
  const most = Number(node.dataset.most);
  const spoken = document.createElement('span');
  spoken.className = 'visually-hidden';
  spoken.setAttribute('role', 'status');
  node.after(spoken);
  let timer;
  const words = () => {
    const left = most - [...control.value].length;
    return left < 0 ? `${-left} ${node.dataset.over}` : `${left} ${node.dataset.words}`;
  };
  const update = () => {
    node.textContent = words();
    clearTimeout(timer);
    timer = setTimeout(() => {
      spoken.textContent = words();
    }, 1500);
  };
  // what is too long is told, not cut off while it is pasted
  control.removeAttribute('maxlength');
  node.hidden = false;
  node.textContent = words();
  control.addEventListener('input', update);
});
