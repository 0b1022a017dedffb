// Says in words that a passkey or security key did not work; allauth's scripts only tell the console.
document.addEventListener('allauth.error', (event) => {
  const place = document.querySelector('[data-keys-error]');
  if (!place) return;
  event.preventDefault();
  place.hidden = false;
  place.textContent = place.dataset.keysError;
});
