# What a person reads, in Indonesian. The identifiers and placeholders are those of en.ftl.

## Numbers and units

seconds = { $seconds } detik
minutes = { $minutes } menit
hours = { $hours } jam
milliseconds = { $ms } ms
percent = { $percent }%

## The end of a command

forgotten = { $rooms ->
    [1] dilupakan: { $target }
   *[other] dilupakan: { $target } ({ $rooms } ruang)
}
key-known-already = { $fingerprint } memang sudah menjadi kunci { $server }
key-accepted = diterima: { $fingerprint } sekarang menjadi kunci { $server }; masuklah dengan undangan baru atau kata sandi
exported = kunci Anda ada di { $file }: siapa pun yang memiliki berkas ini dianggap sebagai Anda. Di komputer lain: kabar identity import { $file }
exported-sealed = kunci Anda ada di { $file }: siapa pun yang memilikinya beserta frasa sandinya dianggap sebagai Anda. Di komputer lain: kabar identity import { $file }
imported = di komputer ini Anda sekarang { $fingerprint } ({ $path })
imported-aside = ; kunci sebelumnya ada di { $path }
lines-lost = { $lines } pesan tidak terkirim
lines-kept = { $lines } pesan disimpan dan akan dikirim lain kali

## Errors of commands

no-data-dir = direktori home tidak ada: pakai --data-dir DIR
no-identity = belum ada identitas: identitas dibuat saat Anda pertama kali masuk ke sebuah ruang atau membukanya
no-identity-labelled = tidak ada identitas dengan label { $label } di komputer ini (kabar identity menampilkan daftarnya)
other-identity = di komputer ini Anda orang lain: { $fingerprint } di { $path }. Pakai --replace untuk menyimpan kunci itu dalam berkas dan menjadi identitas yang diimpor, atau --identity LABEL untuk memakai keduanya
passphrase-invalid = frasa sandi adalah satu baris teks, paling panjang { $max } bita
passphrase-mistyped = kedua frasa sandi berbeda: tidak ada yang ditulis
passphrase-no-terminal = frasa sandi diketik di terminal; tanpa terminal, pakai --passphrase-file BERKAS
identity-not-text = tidak dapat memakai { $file }: { $reason }
exported-damaged = berkas rusak atau tidak lengkap: salin lagi seluruhnya
exported-newer = berkas ditulis oleh versi kabar yang lebih baru: perbarui kabar di komputer ini
exported-passphrase-required = berkas dilindungi frasa sandi: pakai --passphrase-file BERKAS, atau ketik di terminal
exported-wrong-passphrase = frasa sandi salah: tidak ada yang diimpor
exported-other-file = bukan berkas dari kabar identity export
exported-random = tidak dapat membuat salt: { $error }
name-choose-another = { $reason }: pilih nama lain
known-servers-encode = tidak dapat menyandikan daftar server yang dikenal: { $error }
server-not-known = { $target } tidak dikenal (kabar servers menampilkan server yang dikenal)
key-not-accepted = tidak diterima
key-not-accepted-other = tidak diterima: kunci { $server } adalah { $fingerprint }
key-not-confirmed = tidak diterima: pakai --fingerprint { $fingerprint } jika itu memang kuncinya
too-many-advertised = --advertise: { $reason }
password-not-text = { $source } tidak dapat dipakai: { $reason }
password-empty = kata sandinya kosong
password-too-long = kata sandinya lebih panjang dari { $max } bita
password-cannot-read = tidak dapat membaca { $source }: { $error }
cannot-print = tidak dapat menampilkan: { $error }
cannot-start = tidak dapat memulai: { $error }
cannot-read-stdin = tidak dapat membaca masukan standar: { $error }
cannot-read-terminal = tidak dapat membaca dari terminal: { $error }
web-cannot-listen = tidak dapat menerima sambungan di 127.0.0.1:{ $port }: { $error }
host-in-use = { $path } sedang dipakai server lain
host-in-use-by = { $path } sedang dipakai server lain (proses { $process })
host-cannot-listen = tidak dapat menerima sambungan di { $address }: { $reason }
host-port-in-use = port sedang dipakai; hentikan pemakainya, atau pilih port lain dengan --listen
host-history-not-read = riwayat tidak dapat dibaca: { $reason }
host-history-missing = tidak ada riwayat: { $path } tidak ada
host-history-damaged = riwayat { $path } rusak: periksa dengan `kabar-server check`; untuk melanjutkan, gantikan dengan cadangan melalui `kabar-server restore BERKAS`, yang tetap menyimpan berkas yang rusak
host-history-locked = riwayat { $path } dikunci program lain: hentikan program itu lalu coba lagi
host-history-unusable = riwayat { $path } tidak dapat dipakai: { $reason }
host-history-foreign = { $path } adalah basis data program lain: pindahkan, atau pilih direktori lain dengan --data-dir
host-history-newer = riwayat { $path } ditulis oleh versi kabar-server yang lebih baru: pakai versi itu
host-history-older = riwayat { $path } ditulis oleh versi kabar-server yang lebih lama: jalankan servernya sekali untuk memperbaruinya
host-history-directory = riwayat { $path } tidak dapat dipakai: itu sebuah direktori; pindahkan, atau pilih tempat lain dengan --data-dir
host-history-empty = riwayat { $path } kosong, dan tidak ada server yang meninggalkannya begitu: gantikan dengan cadangan melalui `kabar-server restore BERKAS`, atau pindahkan berkas itu, { $file }-wal, dan { $file }-shm untuk memulai riwayat baru
host-history-log-only = riwayat { $path } tidak ada, tetapi { $file }-wal, sebagian darinya, masih ada: kembalikan riwayat itu, atau gantikan dengan cadangan melalui `kabar-server restore BERKAS`, atau pindahkan { $file }-wal dan { $file }-shm untuk memulai riwayat baru
host-history-foreign-log = { $file }-wal di samping { $path } milik riwayat lain, dan akan merusak riwayat ini: jika { $path } adalah cadangan, pindahkan lalu pulihkan dengan `kabar-server restore BERKAS`, yang juga memindahkan { $file }-wal dan { $file }-shm
host-history-restoring = pemulihan { $path } terputus: jalankan servernya, atau pulihkan sekali lagi, untuk menyelesaikannya
transcript-not-reopened = { $reason }; penulisan berlanjut ke berkas yang semula ada di sana
transcript-not-writable = { $reason }; beberapa baris akan hilang di sana, ruangnya tetap berjalan
transcript-writable-again = transkrip { $path } dapat ditulisi lagi
transcript-incomplete = { $lines } baris hilang di akhir transkrip { $path }; riwayat memuatnya
host-failed = server berhenti karena kesalahan internal
target-both-on-stdin = masukan standar dapat berisi undangan atau kata sandi, tidak keduanya
target-stdin = masukan standar: { $error }
target-key-option = undangan sudah menyebut kunci yang diterima: pakai --fingerprint dan --accept-new hanya dengan sebuah host
target-no-address = { $reason }; tulis itu dalam undangan
target-other-server = semua undangan harus untuk satu server: masuklah ke server lain di terminal lain
target-invite-not-first = undangan tambahan hanya boleh mengikuti sebuah undangan: letakkan salah satunya di depan
target-no-room = { $typed } bukan nama ruang, juga bukan undangan ke sebuah ruang
target-too-many = paling banyak { $rooms } ruang dapat dimasuki sekaligus
target-ambiguous = Anda mengenal { $rooms } ruang dengan nama ini; pilih salah satu:
setting-invalid = { $setting } tidak sah: { $reason }
setting-unknown = tidak ada pengaturan { $name }
settings-cannot-read = tidak dapat membaca { $path }: { $reason }
settings-not-toml = bukan TOML ({ $words })
settings-unknown-key = kunci { $key } tidak dikenal; `{ $command }` menampilkan semuanya
settings-not-single = { $key }: nilainya harus berupa teks, angka, true, atau false
settings-not-texts = { $key }: daftarnya harus berisi teks, paling sedikit satu
value-not-one-of = nilainya harus { $others } atau { $last }
value-not-seconds = bukan jumlah detik
value-not-a-path = harus berupa lokasi atau auto
value-not-a-key = bukan tombol: tulis, misalnya, ctrl-n, alt-enter, f1 atau pageup
value-key-bound = { $key } juga ditetapkan di { $first }

## Names, addresses, invites, files

name-empty = namanya kosong
name-too-long = namanya lebih panjang dari 32 bita
name-character = namanya mengandung { $character }, yang tidak diizinkan
name-edge-space = namanya diawali atau diakhiri spasi
name-reserved = nama { $word } dicadangkan
name-looks-reserved = namanya mirip { $word }, yang dicadangkan
name-mixed-scripts = namanya mencampur huruf { $one } dan { $other }, yang bisa tampak serupa
name-direction = namanya berisi huruf yang ditulis dari kanan ke kiri: nama itu harus diawali huruf seperti itu, dan diakhiri huruf seperti itu atau angka
address-host = host itu bukan alamat dan bukan nama
address-port = port itu bukan angka dari 1 sampai 65535
address-no-zone = { $address } memerlukan antarmuka komputer ini yang menuju ke sana: { $address }%{ $example }{ $available }
address-unknown-zone = komputer ini tidak punya antarmuka { $zone }{ $available }
address-available = {" "}(di sini: { $names })
address-too-many = paling banyak { $max } alamat
address-needless-zone = { $address } bukan alamat link-local (fe80::...): hilangkan % dan apa pun sesudahnya
address-advertised-zone = antarmuka komputer ini tidak berarti bagi komputer lain: umumkan { $address } tanpa %{ $zone }, dan orang yang masuk menambahkan antarmuka komputernya sendiri
invite-scheme = undangan diawali kabar://
invite-cut-off = undangan terpotong: bentuknya kabar://HOST:PORT/ROOM/FINGERPRINT.SECRET
invite-room = undangan rusak: nama ruang terdiri dari 1 sampai 32 karakter a sampai z, 0 sampai 9, - dan _
invite-fingerprint = undangan rusak: sidik jarinya bukan 32 karakter base32
invite-secret = undangan rusak: rahasia di akhirnya bukan 26 karakter base32
invite-too-many = undangan menyebut lebih dari { $max } alamat
invite-no-port = undangan tidak menyebut port setelah hostnya
invite-address = undangan rusak: { $reason }
file-error = tidak dapat { $key ->
    [create] membuat
    [generate-a-key-for] membuat kunci untuk
    [generate-a-secret-for] membuat rahasia untuk
    [lock] mengunci
    [make-private] menutup akses ke
    [open-the-transcript-again] membuka lagi transkrip
    [read] membaca
    [set-aside] menyisihkan
    [use] memakai
    [write] menulis
    [write-the-transcript] menulis transkrip
    [write-to] menulis ke
   *[other] memakai ({ $action })
} { $path }: { $cause }
not-text-utf16 = teksnya UTF-16; simpan sebagai UTF-8
not-text-utf8 = baris { $line } bukan UTF-8; simpan sebagai UTF-8
not-text-zero-byte = baris { $line } berisi bita nol; simpan sebagai UTF-8
not-text-too-long = lebih panjang dari { $max } bita
unusable-not-a-directory = bukan direktori; pilih direktori dengan --data-dir
unusable-far-too-long = berkasnya terlalu panjang
unusable-damaged-key = berkasnya rusak; pulihkan dari salinan
unusable-damaged-secret = berkasnya rusak; pulihkan dari salinan, atau hapus untuk mendapat rahasia baru
unusable-damaged-text = berkasnya rusak; perbaiki atau hapus
unusable-damaged-and-replaced = berkasnya rusak dan akan digantikan
thread-failed = salah satu utas program ini gagal
resolve-no-address = nama itu tidak punya alamat
system-error = { $kind ->
    [address-in-use] alamatnya sedang dipakai
    [address-not-available] alamat itu tidak ada di komputer ini
    [already-exists] sudah ada
    [broken-pipe] penerimanya sudah tertutup
    [busy] sedang dipakai
    [connection-refused] sambungannya ditolak
    [connection-reset] sambungannya diputus pihak lain
    [directory-not-empty] direktorinya tidak kosong
    [disk-full] diska penuh
    [file-too-large] berkasnya terlalu besar
    [host-unreachable] tidak ada jalan ke komputer itu
    [invalid-argument] argumennya tidak sah
    [is-a-directory] itu sebuah direktori
    [network-down] jaringannya mati
    [network-unreachable] jaringan itu tidak terjangkau
    [not-a-directory] bagian jalurnya bukan direktori
    [not-found] tidak ditemukan
    [out-of-memory] memori sistem habis
    [permission-denied] tidak diizinkan
    [quota-exceeded] kuota diska terlampaui
    [read-only] sistem berkasnya hanya dapat dibaca
    [timed-out] waktunya habis
    [too-many-files] terlalu banyak berkas terbuka
   *[other] { $text }
}
store-disk-full = diska penuh (atau tidak muat satu berkas lagi): kosongkan sebagian
store-locked = program lain mengunci berkas itu
store-read-only = berkas itu, atau berkas lain di direktorinya, tidak dapat ditulisi: beri izin tulis untuk keduanya kepada pengguna yang menjalankan program ini
store-moved = berkas itu dipindahkan atau dihapus
store-damaged = berkas itu rusak
store-too-many-files = terlalu banyak berkas terbuka{ $limit }: naikkan batasnya dengan `ulimit -n`, atau LimitNOFILE= di unit systemd
store-file-limit = {" "}(batas proses ini { $limit })
store-memory = memori sistem habis
store-no-locks = berkas di sana tidak dapat dikunci: pilih direktori di diska lokal
store-disk = diska melaporkan kesalahan ({ $code })
store-contradiction = entri baru bertentangan dengan yang tersimpan
store-other = basis data melaporkan kesalahan { $code }

## Connections

alternatives = { $first } atau { $second }
with-server-text = { $line } (server: { $text })
connecting = Menyambung ke { $server } ...{" "}
known-server-moved = server yang dikenal di alamat baru;{" "}
not-reached = { $reason }; mencoba lagi
lost-while-connecting = ({ $reason }; mencoba lagi){" "}
key-question =
    Kunci server belum dikenal. Sidik jarinya
      { $fingerprint }
key-accepted-invited = kunci server cocok dengan undangan.{" "}
key-accepted-expected = kunci server adalah yang Anda kenal.{" "}
key-accepted-new = kunci server { $fingerprint } baru dan diterima.{" "}
key-changed = kunci { $server } berubah (seharusnya { $fingerprint }): mungkin ada yang menyadap sambungan. Jika Anda tahu mengapa kunci itu berubah, masuklah dengan undangan baru, atau terima kunci baru dengan: kabar servers accept { $first }
key-unknown = kunci { $server } tidak dikenal: masuklah dengan undangan, dengan --fingerprint { $fingerprint } jika pengelola server membenarkannya, atau dengan --accept-new
password-required = ruang ini memerlukan undangan atau kata sandinya
no-such-host = host tidak ditemukan: { $host }
no-such-host-because = host tidak ditemukan: { $host } ({ $error })
resolve-timeout = alamat { $host } tidak ditemukan dalam { $seconds } detik
no-response = { $server } tidak menjawab setelah { $seconds } detik: alamatnya salah, terhalang firewall, atau ruangnya tidak berjalan
connection-refused = { $server } menolak sambungan: ruangnya tidak berjalan di sana
unreachable = tidak dapat mencapai { $server }: { $error }
not-admitted = { $server } menjawab tetapi tidak menerima Anda dalam { $seconds } detik
connection-lost = Sambungan terputus: { $reason }{ $slept }; mencoba lagi. Yang Anda ketik tetap disimpan.
lost-asleep = {" "}(komputer ini tidur selama { $duration })
lost-silent = server tidak menjawab
lost-unknown = server tidak lagi mengenal sambungan ini
lost-shutdown = server sedang dimatikan
lost-try-later = server saat ini tidak menerima anggota
lost-closed = sambungan ditutup
reconnected = Tersambung lagi setelah { $seconds } detik{ $details }.
reconnected-restarted = ; server telah dimulai ulang
reconnected-nothing-missed = ; tidak ada yang terlewat
reconnected-members = ; { $members } hadir
not-connected = (tidak tersambung)
server-text = (server: { $text })

## How a room is joined, and how it ends

joined = Masuk ke { $room } sebagai { $name }; { $members } hadir{ $history }{ $end }
joined-also = Juga masuk ke { $room }; { $members } hadir{ $history }. /room { $room } menampilkannya.
joined-last-lines = { $lines ->
    [1] ; pesan terakhir
   *[other] ; { $lines } pesan terakhir
}
joined-new-lines = { $lines ->
    [0] ; tidak ada yang baru sejak kunjungan terakhir Anda
   *[other] ; { $lines } pesan baru sejak kunjungan terakhir Anda
}
own-name = nama Anda di sini { $name }; /nick NAME mengubahnya
hosting = Nama Anda { $name }. /help untuk bantuan, /quit untuk keluar (ruang ini lalu berakhir bagi yang lain).
parted = keluar dari { $room }
end-key-rejected = kunci server ditolak
end-key-mismatch = server di { $server } tidak memiliki kunci yang disebut dalam undangan
end-proof-invalid = server di { $server } tidak mengetahui rahasia ruang ini: ruang ini tidak ada di sana
end-replaced = { $name } masuk dari terlalu banyak tempat: sesi ini digantikan
end-kicked = Anda dikeluarkan dari ruang
end-banned = Anda diblokir dari ruang ini
end-room-closed = ruang ini ditutup
end-other = server mengakhiri keanggotaan ({ $code })
end-closed = server menutup sambungan ({ $code })
end-left = sesi berakhir
refused-secret = rahasia salah: ini bukan undangan yang berlaku ke { $room }, atau tidak berlaku lagi
refused-password = kata sandi salah
refused-no-credential = { $room } memerlukan undangan atau kata sandinya (--password-file, KABAR_PASSWORD)
join-name-taken = nama { $name } sudah dipakai: pilih nama lain dengan --name
join-name-not-allowed = nama { $name } tidak diizinkan: pilih nama lain dengan --name
join-unknown-room = tidak ada ruang { $room } di server ini
join-room-full = ruang ini penuh
join-version = server memakai versi lain dari protokol obrolan
join-refused = server tidak menerima Anda: { $reason }
join-signature = tanda tangan tidak sah
join-instance = sesi ini milik identitas lain
join-unknown-reason = alasan { $code } tidak dikenal

## Rooms

room-heading-private = {" "}(privat)
room-heading-nothing-new = ; tidak ada yang baru
room-lines-left-out = ({ $lines } pesan sebelumnya tidak ditampilkan; /history menampilkannya)
room-unread = #{ $room }: { $lines } pesan baru
room-unread-mention = #{ $room }: { $author } menyebut Anda; { $lines } pesan baru
room-topic = Topik: { $topic }
room-no-topic = ruang ini tidak punya topik
room-list = { $rooms } ruang (* Anda di dalamnya; > ditampilkan):
room-members = { $members } hadir
room-row-private = ; privat
room-row-unread = ; { $lines } pesan baru
room-ended-next = ; /room NAME menampilkan ruang lain
room-no-name = { $typed } bukan undangan dan bukan nama ruang (a sampai z, 0 sampai 9, - dan _)
room-other-server = undangan ini untuk server lain: pakai `kabar join INVITE` di terminal lain
room-not-in = Anda tidak berada di { $room } (/join untuk masuk, /rooms untuk daftar ruang)
room-not-joined-yet = server belum menerima Anda di { $room }
room-only = { $room } satu-satunya ruang tempat Anda berada: /quit untuk keluar
room-none-shown = tidak ada ruang yang ditampilkan: /room NAME menampilkan satu ({ $rooms })
room-joined-already = Anda sudah berada di { $room }
room-still-leaving = { $room } baru ditinggalkan setelah pesan Anda di sana tersimpan: coba lagi sebentar lagi
room-too-many = Anda berada di { $rooms } ruang, sebanyak yang mungkin: tinggalkan satu dulu dengan /part

## Posts

not-stored-yet = (belum tersimpan: { $text })
waiting-for-storage = { $lines } pesan belum tersimpan: menunggu paling lama { $seconds } detik (Ctrl-C langsung keluar)
not-posted-too-long = tidak terkirim: { $len } bita terlalu panjang
not-posted-not-in-room = tidak terkirim: Anda tidak berada di ruang itu
not-posted-too-many = tidak terkirim: terlalu banyak pesan menunggu
post-refused = tidak terkirim, { $reason }{ $excerpt }
post-too-long = terlalu panjang untuk server ini
post-muted = Anda dibisukan di ruang ini
post-kind = hanya server yang dapat mengirim pesan jenis ini
post-content = server tidak memiliki isi berkas itu
rejected-line = baris { $number }{" "}
rejected-too-long = { $line }tidak terkirim: { $len } bita; sebuah teks paling banyak { $max }
rejected-not-utf8 = { $line }tidak terkirim: bukan teks UTF-8
rejected-no-room = { $line }tidak terkirim: Anda tidak berada di ruang yang dipilih
invalid-bytes = (masukan yang bukan UTF-8 dibuang, bersama semua yang diketik atau ditempel dengannya: atur terminal ini ke UTF-8)
outbox-resumed = ({ $lines } pesan yang diketik sebelumnya dikirim sekarang)

## Requests to the server

refused-not-permitted = Anda tidak berhak melakukan ini
refused-not-found = tidak ditemukan
refused-name-taken = nama itu sudah dipakai
refused-name-not-allowed = nama itu tidak diizinkan
refused-try-later = saat ini tidak mungkin; coba lagi nanti
refused-limit = sebuah batas server tercapai
refused-unchanged = sudah demikian
refused-other = server menolaknya (alasan { $code })
unanswered = (server tidak menjawab { $word }; mungkin versinya lebih lama, tanpa perintah ini)
unanswered-lost = (sambungan terputus sebelum server menjawab { $word }: perintah itu mungkin sudah berlaku)
members-here = { $members } hadir: { $names }
renamed = Nama Anda sekarang { $name }.
not-renamed = nama Anda tetap { $name }: { $reason }
rename-same = itu memang nama Anda
not-removed = pesan { $seq } tetap ada: { $reason }
nothing-to-remove = tidak ada pesan Anda yang dapat dihapus di sini: /history menampilkan nomor, /delete NUMBER memakainya

## What is displayed

ignored = pesan dari { $name } disembunyikan mulai sekarang (/unignore { $name } menampilkannya lagi)
ignored-already = { $name } sudah diabaikan
unignored = pesan dari { $name } ditampilkan lagi
unignored-already = { $name } tidak diabaikan
ignore-own-name = Anda tidak dapat mengabaikan diri sendiri
ignore-too-many = sudah { $max } nama diabaikan: tampilkan lagi satu dulu dengan /unignore
ignore-list = diabaikan: { $names }
ignore-list-empty = tidak ada yang diabaikan
joins-shown = masuk dan keluarnya anggota ditampilkan mulai sekarang
joins-hidden = masuk dan keluarnya anggota disembunyikan mulai sekarang
notify-all = semua pesan di ruang ini diberitahukan mulai sekarang
notify-mentions = pesan di ruang ini yang menyebut Anda diberitahukan mulai sekarang
notify-nothing = tidak ada dari ruang ini yang diberitahukan mulai sekarang
new-entries = --- baru sejak kunjungan terakhir Anda ---
gap = ({ $lines } pesan tidak ada di sini: server tidak lagi menyimpannya)
event-history-reset = (riwayat ruang ini dikembalikan ke keadaan yang lebih lama: pesan berikut ditampilkan lagi)
history-none-before-beginning = tidak ada pesan sebelumnya: ini awal ruang
history-none-kept = tidak ada pesan sebelumnya: server tidak lagi menyimpannya
history-all-hidden = semua pesan di halaman ini disembunyikan (/history more menampilkan yang sebelumnya)
history-last-lines = { $lines } pesan terakhir di ruang ini{ $earlier ->
    [possible] {" "}(/history more menampilkan yang sebelumnya)
    [not-kept] {" "}(yang sebelumnya tidak lagi disimpan)
   *[beginning] {""}
}:
history-earlier-lines = { $lines } pesan sebelumnya{ $earlier ->
    [possible] {" "}(/history more menampilkan yang sebelumnya)
    [not-kept] {" "}(yang sebelumnya tidak lagi disimpan)
   *[beginning] , dari awal ruang
}:
notices-skipped = ({ $notices } pemberitahuan dilewati: tidak dapat ditulis)

## What was lost

loss-server-not-stored = ruang ini tidak dapat ditambahkan ke server yang dikenal: { $error }
loss-output = tidak dapat menulis ke { $stream }: { $error }
loss-output-not-read = tidak ada yang membaca { $stream }: sisanya tidak ditulis
loss-position = posisi Anda di ruang ini tidak dapat disimpan: { $error }
stdin = masukan standar
stdout = keluaran standar
stderr = keluaran galat standar
not-kept-server = (ruang ini tidak dapat ditambahkan ke server yang dikenal: { $error })
not-kept-parting = (keluarnya Anda dari ruang tidak tersimpan: { $error })
not-kept-preferences = (yang Anda abaikan, sembunyikan, atau minta diberitahukan tidak tersimpan: { $reason })
position-not-read = (posisi terakhir Anda di ruang ini tidak dapat dibaca: { $error })
position-saved-again = (posisi Anda di ruang ini disimpan lagi)

## The local history

history-none = belum ada riwayat di komputer ini: riwayat dimulai saat Anda masuk ke sebuah ruang
history-no-room = tidak ada ruang { $room } dalam riwayat Anda: { $rooms }
history-entry-missing = (entri { $seq } tidak tersimpan di sini)
history-entries-missing = (entri { $first } sampai { $last } tidak tersimpan di sini)
history-reset = (riwayat ruang dimulai ulang)
history-set-aside = (riwayat lokal Anda { $reason }: sekarang ada di { $path }, dan riwayat baru dimulai)
history-not-kept = (riwayat Anda tidak disimpan: { $reason }; yang Anda ketik tetap dikirim, dan hilang jika program ini berakhir sebelumnya)
history-kept-again = (riwayat Anda disimpan lagi)
history-not-written = berkas tidak dapat ditulis: { $reason }
history-missing = tidak ada riwayat: { $path } tidak ditemukan
history-older = riwayat { $path } ditulis oleh versi yang lebih lama: masuklah ke sebuah ruang untuk memperbaruinya
history-unusable = riwayat { $path } { $reason }
history-storage = riwayat { $path } tidak dapat dipakai: { $reason }
history-is-damaged = rusak
history-is-newer = ditulis oleh versi yang lebih baru
history-too-many-aside = sudah terlalu banyak berkas yang disisihkan
history-is-foreign = adalah basis data program lain

## Commands that are typed

help-at-prompt = Tab melengkapi nama, ruang, dan perintah; tombol panah memanggil kembali yang Anda ketik.
help-at-terminal = Di sini tidak ada prompt: terminal ini (lihat TERM), atau keluarannya, tidak memungkinkannya.
help-in-pipes = Setiap baris lain dikirim apa adanya ke ruang yang ditampilkan: yang pertama, sampai ada baris `/room NAME`. Perintah lain tersedia di terminal.
help-for-operators = Untuk operator server:
help-slashes = kirim teks yang diawali /
help-who = siapa yang hadir
help-history = N pesan terakhir di ruang ({ $lines }, paling banyak { $max }), dengan nomornya; lalu yang sebelumnya
help-me = ceritakan apa yang Anda lakukan
help-nick = pakai nama lain
help-delete = hapus pesan terakhir Anda, atau pesan dengan nomor ini, dari ruang
help-ignore = sembunyikan pesan seorang anggota mulai sekarang; tanpa nama, tampilkan siapa yang diabaikan
help-unignore = tampilkan lagi pesannya
help-joins = tampilkan atau sembunyikan masuk dan keluarnya anggota, mulai sekarang
help-notify = bunyikan bel atau beri tahu untuk semua pesan di ruang ini, untuk yang menyebut Anda, atau tidak sama sekali
help-rooms = ruang di server ini, dengan topiknya, dan ruang tempat Anda berada
help-room = tampilkan ruang ini; yang Anda ketik dikirim ke sana
help-join = masuk ke ruang lain di server ini
help-part = keluar dari ruang ini, atau dari ruang dengan nama ini
help-topic = tampilkan topik ruang ini; dengan TEXT, ubah topiknya (untuk operator)
help-cancel = batalkan sebuah transfer
help-get = terima berkas, menurut nomor entri atau namanya (nama dari angka dalam tanda kutip: "12")
help-send = kirim berkas ke ruang ini
help-transfers = daftar berkas yang sedang dikirim dan diterima
help-stats = keadaan sambungan: jeda, kehilangan, paket rusak dan palsu
help-help = daftar ini
help-quit = keluar setelah semua pesan Anda tersimpan; juga !q atau Ctrl-D (Ctrl-C: langsung)
help-operator-kick = keluarkan seorang anggota, yang boleh kembali
help-operator-ban = blokir seseorang, dengan nama apa pun
help-operator-unban = akhiri itu
help-operator-mute = bisukan seorang anggota: pesannya ditolak
help-operator-unmute = akhiri itu
help-operator-bans = siapa yang diblokir atau dibisukan
help-operator-release = bebaskan nama yang pemiliknya tidak hadir
help-operator-op = jadikan seorang anggota operator
help-operator-deop = akhiri itu
help-operator-ops = siapa yang menjadi operator atau tepercaya
help-operator-trust = biarkan seorang anggota mengirim secepat apa pun
help-operator-untrust = akhiri itu
help-operator-invite = undangan
help-operator-accept = terima orang yang menunggu
help-operator-room = buat, ubah, tutup, atau daftar ruang
help-operator-server = perintah server apa pun, seperti di konsolnya
usage = pemakaian: { $command }
usage-history = pemakaian: { $command } (1 sampai { $max })
unknown-command = perintah { $word } tidak dikenal{ $meant } (/help menampilkan semuanya; awali dengan // untuk mengirim teks yang diawali /)
unknown-command-meant = : maksud Anda { $word }?
space-before-command = tidak terkirim: hapus spasi sebelum perintah, atau tulis // untuk mengirim teks yang diawali /

## Files that are sent and received

cancel-member-quota = berkas Anda di server ini sudah memenuhi jatah
cancel-not-found = server tidak memilikinya
cancel-not-permitted = Anda tidak boleh melakukannya di ruang ini
cancel-other = ditolak server (alasan { $code })
cancel-removed = sudah dihapus dari server
cancel-server-quota = server tidak punya ruang untuk berkas lagi
cancel-too-large = lebih besar daripada yang diterima server ini
file-busy = proses lain sedang menerimanya
file-changed = berkas berubah selagi dikirim
file-damaged = berkas sebagian rusak, dan diterima ulang
file-directory = itu direktori; jadikan satu berkas, misalnya dengan tar -czf NAMA.tar.gz NAMA
file-exists = sudah ada berkas dengan jalur ini
file-not-proven = yang dikirim server bukan berkas itu (mulai bita { $offset })
file-not-regular = itu bukan berkas biasa
file-too-long = lebih besar dari { $max }
file-not-received = berkas tidak diterima
files-not-sent = { $files } berkas tidak terkirim
get-no-room = belum ada ruang yang dikenal: sebutkan dengan --from
send-no-name = { $path } tidak punya nama yang dapat dikirim: beri nama dengan --as NAMA
send-one-name = --as hanya untuk satu berkas
transfer-cancelled = { $name }: dibatalkan
transfer-done = selesai
transfer-hashing = dibaca, { $percent } % dari { $size }
transfer-hashing-short = dibaca, { $percent } %
transfer-is-cancelled = dibatalkan
transfer-name = namanya tidak dapat dikirim
transfer-no-folder = tidak ada folder unduhan (lihat setelan `downloads`)
transfer-no-such-file = tidak ada entri dengan berkas itu di sini
transfer-no-thread = sistem tidak memberi utas
transfer-not-in-room = Anda tidak lagi di ruang itu
transfer-not-received = tidak diterima: { $name }: { $reason }
transfer-not-sent = tidak terkirim: { $name }: { $reason }
transfer-not-started = tidak dapat: { $name }: { $reason }
transfer-not-supported = server ini tidak menerima berkas
transfer-opening = dibaca
transfer-progress = { $percent } % dari { $size }, { $rate }/s, sisa { $left }
transfer-progress-left = { $percent } %, sisa { $left }
transfer-progress-short = { $percent } %, { $rate }/s, sisa { $left }
transfer-progress-unknown = { $percent } % dari { $size }
transfer-protocol = jawaban server tidak sah
transfer-received = diterima: { $path }
transfer-receiving = menerima { $name } (/cancel { $number })
transfer-sending = mengirim { $name } (/cancel { $number })
transfer-sent = terkirim: { $name }
transfer-storing = sedang disimpan
transfer-too-many = terlalu banyak transfer
transfer-wait-connection = menunggu server
transfer-wait-disk = diska penuh
transfer-wait-others = menunggu giliran
transfer-wait-server = server belum dapat menerimanya; dicoba lagi
transfer-waits = { $name } menunggu: { $reason }
transfers-heading = Transfer (atas dan bawah memilih, delete membatalkan, escape menutup)
transfers-none = tidak ada berkas yang sedang dikirim atau diterima

## The status of the connection (/stats)

stats =
    bolak-balik    { $rtt }
    dikirim        { $sent } paket, { $sent_bytes } bita; { $lost } hilang ({ $lost_percent }), { $resent } dikirim ulang
    diterima       { $received } paket, { $received_bytes } bita
    rusak          { $damaged } (CRC-32: rusak di perjalanan)
    tidak asli     { $not_authentic } (palsu, atau rusak tanpa terdeteksi CRC-32)
    terulang       { $replayed }, terlalu lama { $stale }, cacat { $malformed }, dibuang karena memori kurang { $buffer_full }
    sambungan      { $connections }
stats-ignored = diabaikan      { $lines } pesan
stats-rtt-unknown = belum diketahui

## Questions

question-yes-or-no = { $question } [y/T]{" "}
question-accept-key = Apakah ini sidik jari dalam undangan dari pengelola ruang?
question-confirm-key = Apakah operatornya membenarkan kunci ini?
question-password = Kata sandi { $room }:{" "}
question-password-again = Kata sandi salah. Kata sandi { $room }:{" "}
question-password-not-utf8 = bukan teks UTF-8: atur terminal ini ke UTF-8.{" "}
question-passphrase = Frasa sandi:{" "}
question-new-passphrase = Frasa sandi baru:{" "}
question-passphrase-again = Sekali lagi:{" "}
key-known = kunci { $server } yang dikenal:  { $fingerprint }
key-present = kunci server sekarang:  { $fingerprint }

## kabar without a subcommand

wizard-no-terminal = kabar hanya bertanya di terminal: pakai `kabar join INVITE` atau `kabar host`, atau lihat kabar --help
wizard-not-text = bukan teks UTF-8, atau terlalu panjang: atur terminal ini ke UTF-8
wizard-where = Di mana ruangnya? Undangan (kabar://...) atau alamat pengelolanya; `kabar host` membuat ruang.
wizard-known-rooms = Ruang yang Anda kenal:
wizard-known-room = { $room } di { $address }
wizard-known-room-as = { $room } di { $address }, sebagai { $name }
wizard-room = Nomor, undangan, atau alamat [1]:{" "}
wizard-address = Alamat:{" "}
wizard-no-such-number = tidak ada ruang dengan nomor ini: 1 sampai { $rooms }
wizard-no-address = alamat diperlukan, misalnya 192.168.0.162 atau 192.168.0.162:9999
wizard-password = Kata sandi (Enter jika tidak ada):{" "}
wizard-port = Nomor port [{ $port }]:{" "}
wizard-name = Nama panggilan [{ $usual }]:{" "}

## kabar host

host-generating-key = membuat kunci server (satu kali) ...
host-room = Ruang Kabar "{ $room }", dibuka di komputer ini (riwayat: { $history })
host-reachable = Orang lain di jaringan ini masuk dengan:
host-local = Dengan alamat ini hanya komputer ini yang dapat masuk:
host-addresses = Alamat komputer ini (undangan menyebut yang bertanda *; --advertise HOST menyebut yang lain):
interface-vpn = VPN
interface-container = jembatan kontainer
interface-virtual-machine = mesin virtual
interface-loopback = hanya komputer ini
host-interface = Untuk masuk, orang menambahkan antarmuka komputernya ke undangan: { $reason }
host-firewall = Jika Anda tidak terjangkau: izinkan port UDP { $port } di firewall komputer ini.

## kabar web

web-opened = Kabar ada di peramban Anda. Jika tidak, buka:
web-open = Buka di peramban:
web-secret = Siapa pun yang memiliki alamat ini membaca dan menulis sebagai Anda, di komputer ini. Ctrl-C mengakhirinya.
web-scroll-up = gulir ke atas untuk melihat pesan sebelumnya
web-no-search = belum ada riwayat di komputer ini untuk dicari
web-file-in-no-room = tidak terkirim: { $name }: Anda tidak berada di ruang itu
web-no-paths = halaman tidak mengirim berkas menurut jalurnya: pakai tombol di samping kolom pesan, atau jatuhkan berkas ke halaman

## kabar servers, kabar identity

list-no-rooms = belum ada ruang: kabar join INVITE, atau kabar host untuk membuka ruang
list-heading-room = RUANG
list-heading-name = NAMA
list-heading-fingerprint = SIDIK JARI
list-heading-addresses = ALAMAT (terakhir di depan)
list-you = Anda
list-names = nama: { $names }

## kabar bridge

bridge-started = menjembatani { $port } ke { $server }
bridge-devices-on = perangkat di { $path }
bridge-port-missing = { $port } tidak ada; menunggunya
bridge-port-found = { $port } ada
bridge-port-lost = { $port } hilang; menunggunya
bridge-port-failed = { $port } hilang ({ $error }); menunggunya
bridge-port-back = { $port } kembali
bridge-device-connected = sebuah perangkat tersambung
bridge-device-refused = sebuah perangkat ditolak: { $connected } sudah tersambung
bridge-device-failed = kesalahan perangkat: { $error }
bridge-device-disconnected = sebuah perangkat terputus
bridge-resolved = { $server } ada di { $addresses }
bridge-not-resolved = alamat { $host } tidak ditemukan ({ $error }); mencoba lagi
bridge-unresolved = alamat { $server } tidak pernah ditemukan
bridge-cannot-open = tidak dapat membuka { $path }: { $error }
bridge-not-a-port = bukan port serial dan bukan pipa
bridge-cannot-listen = tidak dapat menerima sambungan di { $path }: { $error }
bridge-stopped = { $to_server } paket diteruskan ke server dan { $to_devices } ke perangkat

## The full screen

screen-none = tanpa layar penuh, dengan baris saja: { $reason }
screen-no-term = TERM tidak diatur
screen-terminal-type = terminal jenis { $name } tidak dapat menampilkannya
screen-too-small = terminal memiliki { $columns }x{ $rows } sel, padahal perlu { $min_columns }x{ $min_rows }
screen-placeholder = ketik pesan; F1: bantuan; /quit keluar
screen-placeholder-without-room = F1: bantuan; /quit keluar
screen-no-room = Anda tidak berada di ruang mana pun: /join INVITE untuk masuk, /quit untuk keluar. `kabar host` membuat ruang.
screen-hosting = Komputer ini membuka ruang ini: ruang berakhir bagi yang lain saat Anda keluar (/quit).
screen-too-long = tidak terkirim: { $len } bita, paling banyak { $max }
screen-not-sent-no-room = tidak terkirim: Anda tidak berada di ruang mana pun (lihat /join)
screen-no-server = Anda tidak tersambung ke server mana pun (/join INVITE menyambungkan)
screen-in-no-room = Anda tidak berada di ruang mana pun (lihat /join)
screen-no-room-name = tidak ada ruang yang boleh bernama { $name }
screen-not-in-room = Anda tidak berada di #{ $name } ({ $join } { $name } untuk masuk)
screen-no-such-room = Anda tidak berada di ruang itu
screen-copied = disalin, bila terminal mengizinkannya: { $text }
screen-nothing-to-copy = tidak ada pesan terpilih, dan tidak ada undangan di ruang ini
screen-nothing-to-remove = tidak ada pesan Anda yang dapat dihapus
screen-topic = topik: { $topic }
screen-no-topic = ruang ini tidak punya topik
screen-text-cut = teks terlalu panjang: akhirnya dibuang
screen-room-list = { $rooms } ruang (* sudah dimasuki):
screen-room-private = , dengan undangan
screen-bare = (pilih dan salin; tombol apa pun menampilkan layar lagi)
screen-position = posisi Anda di ruang ini tidak tersimpan: { $error }
screen-more-members = dan { $members } lagi
screen-search = cari:{" "}
screen-search-not-found = tidak ada:{" "}
screen-accept-key = terima kunci { $server }? (y/n){" "}
screen-password = kata sandi #{ $room }:{" "}
screen-password-again = kata sandi salah; kata sandi #{ $room }:{" "}
screen-checking-password = memeriksa kata sandi #{ $room }{" "}
screen-cancel-transfer = batalkan { $name }? (y/n){" "}
screen-leave = { $unsent ->
    [0] keluar? (y/n, Ctrl-C keluar){" "}
   *[other] keluar? { $unsent } belum terkirim (y/n, Ctrl-C langsung keluar){" "}
}
status-connecting = menyambung
status-reconnecting = menyambung lagi
status-connected = tersambung
status-disconnected = terputus
status-off = putus
status-joining = sedang masuk
status-not-in-room = tidak di ruang ini
status-more-below = ada lagi di bawah
status-unsent = { $posts } belum terkirim
status-new = baru:{" "}
keys-heading = Tombol (escape menutup, pageup dan pagedown menggulir)
commands-heading = Perintah
keys-show-room = tampilkan ruang
keys-send = kirim
keys-new-line = mulai baris baru
keys-complete = lengkapi nama, perintah, ruang, berkas, :emoji:
keys-rooms = ruang berikut, sebelumnya
keys-active = ruang berikut dengan hal baru
keys-scroll = gulir
keys-ends = awal, akhir
keys-search = cari
keys-select = pilih pesan (enter menerima berkas)
keys-quote = kutip pesan itu, atau yang terakhir
keys-members = tampilkan atau sembunyikan anggota
keys-transfers = berkas yang dikirim dan diterima
keys-copy = salin pesan terpilih, atau undangan terakhir
keys-bare = teks saja, untuk disalin dengan tetikus
keys-recall = pindah; panggil ketikan lama
keys-move = pindah
keys-words = pindah per kata
keys-line = awal, akhir baris
keys-delete = hapus
keys-delete-word = hapus satu kata
keys-delete-to = hapus sampai awal, akhir
keys-yank = sisipkan yang dihapus; urungkan
keys-clear = kosongkan masukan; keluar
keys-redraw = gambar ulang; tunda program
keys-close = tutup
keys-help = bantuan ini

## Entries

day = { $weekday ->
    [1] Sen
    [2] Sel
    [3] Rab
    [4] Kam
    [5] Jum
    [6] Sab
   *[7] Min
} { $day } { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] Mei
    [6] Jun
    [7] Jul
    [8] Agu
    [9] Sep
    [10] Okt
    [11] Nov
   *[12] Des
} { $year }
new-rule = baru
entry-joined = { $names } masuk
entry-left = { $names } keluar
entry-kicked = { $author } dikeluarkan
entry-renamed = { $author } sekarang bernama { $name }
entry-removal = { $author } menghapus pesan { $seq }
entry-removal-unknown = { $author } menghapus sebuah pesan
entry-removed = [dihapus]
entry-topic = { $author } menetapkan topik: { $topic }
entry-topic-removed = { $author } menghapus topik
entry-file = { $author } mengirim berkas: { $name } ({ $size }); untuk menerimanya: /get { $name }
entry-file-name = berkas { $name }
entry-file-get = {"; "}/get { $seq } menerimanya
entry-data = { $author } mengirim { $size } bita data
entry-unknown = { $author } mengirim { $size } bita dari jenis { $kind } yang tidak dikenal
entry-too-large = mengirim { $size } bita, terlalu banyak untuk ditampilkan
line-joined = { $author } masuk ke obrolan!
line-left = { $author } keluar dari obrolan!
line-kicked = { $author } dikeluarkan dari obrolan!
line-kicked-because = { $author } dikeluarkan dari obrolan: { $reason }

## The page in a browser (kabar web)

page-answer = Jawab
page-attach = Kirim berkas
page-by-invite = dengan undangan
page-close = Tutup
page-command-accept = terima orang yang menunggu
page-command-ban = blokir seseorang, dengan nama apa pun
page-command-bans = tampilkan siapa yang diblokir atau dibisukan
page-command-cancel = batalkan transfer berkas
page-command-delete = hapus pesan terakhir Anda, atau pesan dengan nomor ini
page-command-deop = jadikan operator anggota biasa
page-command-get = terima berkas, menurut nomor pesan atau namanya
page-command-help = tampilkan bantuan ini
page-command-ignore = sembunyikan pesan seorang anggota; tanpa nama, tampilkan siapa yang diabaikan
page-command-invite = tampilkan undangan
page-command-join = masuk ke ruang di server ini, atau ke ruang dari undangan
page-command-joins = tampilkan atau sembunyikan siapa yang masuk dan keluar
page-command-kick = keluarkan seorang anggota, yang boleh kembali
page-command-me = ceritakan apa yang Anda lakukan
page-command-mute = bisukan seorang anggota: pesannya ditolak
page-command-nick = pakai nama lain
page-command-notify = pilih pesan mana di ruang ini yang memberi notifikasi: all, mentions, atau off
page-command-op = jadikan seorang anggota operator
page-command-ops = tampilkan siapa operator atau tepercaya
page-command-part = keluar dari ruang ini, atau dari ruang dengan nama ini
page-command-quit = keluar dari semua ruang dan akhiri program, setelah semua pesan Anda tersimpan
page-command-release = bebaskan nama yang pemiliknya tidak hadir
page-command-room = tampilkan ruang ini; operator juga membuat, mengubah, menutup, dan mendaftar ruang
page-command-rooms = tampilkan daftar ruang di server ini
page-command-server = perintah server apa pun, seperti di konsolnya
page-command-stats = tampilkan keadaan sambungan
page-command-topic = tampilkan topik; dengan teks, ubah topik (operator)
page-command-transfers = daftar berkas yang sedang dikirim dan diterima
page-command-trust = biarkan seorang anggota mengirim secepat apa pun
page-command-unban = buka blokir seseorang
page-command-unignore = tampilkan lagi pesan seorang anggota
page-command-unmute = biarkan anggota yang dibisukan mengirim lagi
page-command-untrust = batasi lagi kecepatan seorang anggota
page-command-who = tampilkan siapa yang hadir
page-commands = Perintah
page-commands-for-operators = Perintah untuk operator
page-completions = Pelengkapan
page-connection-connecting = menyambung
page-connection-ended = tidak tersambung
page-connection-lost = sambungan terputus
page-connection-online = tersambung
page-delete = Hapus
page-drop-folder = { $name } adalah folder. Jadikan satu berkas, misalnya dengan tar -czf { $name }.tar.gz { $name }
page-drop-here = Jatuhkan berkas di sini untuk mengirimnya ke { $room }
page-entry-data = { $author } mengirim { $size } bita data
page-entry-joined = { $author } masuk
page-entry-kicked = { $author } dikeluarkan
page-entry-kicked-reason = { $author } dikeluarkan: { $text }
page-entry-left = { $author } keluar
page-entry-removal = { $author } menghapus sebuah pesan
page-entry-removed = { $author }: pesan dihapus
page-entry-renamed = { $author } sekarang bernama { $text }
page-entry-too-large = { $size } bita, terlalu besar untuk ditampilkan
page-entry-topic = { $author } menetapkan topik: { $text }
page-entry-topic-removed = { $author } menghapus topik
page-entry-unknown = { $author } mengirim { $size } bita dari jenis yang tidak dikenal ({ $kind })
page-file-disk-full = tidak terkirim: { $name }: diska komputer ini penuh
page-file-not-taken = tidak terkirim: { $name }: Kabar di komputer ini tidak dapat menyimpannya
page-file-save = Simpan
page-file-save-named = Simpan { $name }
page-file-too-large = tidak terkirim: { $name }: terlalu besar
page-files = Berkas
page-files-clear = Bersihkan yang selesai
page-help = Bantuan
page-ignore = Abaikan
page-join = Masuk
page-join-again = Masuk lagi
page-join-hint = Undangan diawali kabar://. Mintalah kepada orang yang mengelola ruang itu.
page-join-label = Undangan, host, atau nama ruang
page-join-title = Masuk ke ruang
page-key-accept = Terima kunci ini
page-key-arrows = di daftar pesan: pilih satu; Enter atau R membalas, Delete menghapus pesan Anda sendiri
page-key-arrows-name = Atas, Bawah
page-key-decline = Jangan sambungkan
page-key-enter = kirim
page-key-enter-name = Enter
page-key-hint = Terima hanya jika pengelola server membenarkan sidik jari ini.
page-key-rooms = ruang sebelumnya atau berikutnya
page-key-rooms-name = Alt+Atas, Alt+Bawah
page-key-search = cari
page-key-search-name = Ctrl+Shift+F
page-key-shift-enter = baris baru
page-key-shift-enter-name = Shift+Enter
page-key-tab = lengkapi nama, /perintah, #ruang, atau :emoji
page-key-tab-name = Tab
page-key-text = Kunci { $server } belum dikenal di komputer ini. Sidik jarinya:
page-key-title = Server tidak dikenal
page-keys = Tombol
page-members = Anggota
page-members-here = { $count } anggota hadir
page-mention-member = Sebut { $name }
page-mentions = { $count } sebutan
page-message = Pesan
page-message-first = Masuklah ke ruang dulu: /join UNDANGAN
page-message-to = Pesan ke { $room }
page-milliseconds = { $ms } ms
page-more-members = dan { $count } lagi
page-no-rooms = Anda belum berada di ruang mana pun. Masuklah dengan undangan.
page-not-stored = (belum tersimpan)
page-notification = { $name } di { $room }
page-notifications-on = Beri tahu jika saya disebut
page-password-label = Kata sandi { $room }
page-password-none = Saya tidak punya
page-password-send = Masuk
page-password-title = Ruang ini memakai kata sandi
page-password-wrong = Kata sandi salah.
page-program-ended = Kabar sudah berakhir. Halaman ini boleh ditutup.
page-program-gone = Tidak ada sambungan ke Kabar di komputer ini. Apakah masih berjalan? Mencoba lagi.
page-question-waits = Server menunggu jawaban Anda.
page-reply = Balas
page-room-ended = Anda tidak lagi berada di ruang ini.
page-room-list-title = Ruang di server ini
page-rooms = Ruang
page-rooms-of = Ruang di { $server }
page-search = Cari
page-search-everywhere = di semua ruang
page-search-label = Kata yang dicari
page-search-more = Masih ada lagi: tambahkan kata.
page-search-nothing = Tidak ditemukan.
page-send = Kirim
page-show = Tampilkan
page-skip-to-input = Langsung ke kolom pesan
page-to-end = Ke pesan terbaru
page-transcript = Pesan
page-transfer-cancel = Batalkan { $name }
page-transfer-cancelled = dibatalkan
page-transfer-copying = sedang dibaca
page-transfer-hashing = sedang diperiksa
page-transfer-left = sisa { $left }
page-transfer-of = { $done } dari { $size }
page-transfer-rate = { $rate }/dtk
page-transfer-received = diterima
page-transfer-receiving = Menerima { $name }
page-transfer-sending = Mengirim { $name }
page-transfer-sent = terkirim
page-transfer-storing = sedang disimpan
page-unread-line = baru sejak kunjungan terakhir Anda
page-unread = { $count } pesan belum dibaca
page-unsent = Pesan yang belum tersimpan
page-you = (Anda)
page-you-are = Nama Anda di sini { $name }.

## Server klasik

classic-unprotected = Ini server klasik: tidak ada yang terlindungi. Siapa pun di tengah jalan dapat membaca dan mengubah setiap pesan, dan mengetahui kata sandinya. Tidak ada pula yang dikonfirmasi: pesan Anda ditampilkan begitu dikirim, dan mungkin hilang.
classic-colons-replaced = Server klasik tidak menerima titik dua dalam pesan: tanda itu dikirim sebagai { "\uFF1A" }.
classic-not-there = server klasik tidak memilikinya
classic-one-room = server klasik hanya memiliki satu ruang
classic-password-required = server klasik memerlukan kata sandinya (--password-file, KABAR_CLASSIC_PASSWORD)
classic-login-not-understood = server tidak memahami nama dan kata sandi: { $text }
classic-login-too-long = nama dan kata sandi terlalu panjang untuk server klasik
classic-login-not-in-key = nama atau kata sandi memuat karakter yang terlalu besar untuk kunci server ini: { $character }
joined-classic = Masuk ke { $room } sebagai { $name }.
members-seen = { $members } terlihat di sini sejauh ini: { $names }
not-posted-not-in-key = tidak terkirim: kunci server ini terlalu kecil untuk { $character }
not-posted-empty = tidak terkirim: isinya hanya spasi
not-posted-not-there = tidak terkirim: server klasik hanya memiliki pesan biasa
