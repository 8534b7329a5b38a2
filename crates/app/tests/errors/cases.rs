//! The bad inputs, by what is wrong with them.

use super::support::flowers;
use super::{Case, case};

/// Every case under its heading.
pub fn sections() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("The command line", command_line()),
        ("Settings", settings()),
        ("Configuration files", configuration_files()),
        ("Finding the data", finding_the_data()),
        ("Tables", tables()),
        ("Images", images()),
        ("Training", training()),
        ("Runs", runs()),
        ("Using a model", using()),
        ("Texts and published models", texts()),
        ("Word vectors", word_vectors()),
    ]
}

fn word_vectors() -> Vec<Case> {
    const TRAIN: &str =
        "glassbox train book.txt --model word2vec --set min_count=1 --quiet --out run > log.txt";
    let text = "the cat sees the dog. the dog sees the cat. a king loves a queen.\n".repeat(20);
    let of = |title, code, line| case(title, code, line).file("book.txt", &text).given(TRAIN);
    let asked = |title, code, line, text: &str| case(title, code, line).file("book.txt", text);
    const EMPTY: &str = "glassbox train book.txt --model word2vec";
    vec![
        asked("A text without words", 1, EMPTY, " \n…\n"),
        asked("A text of one word", 1, EMPTY, "no no no\n"),
        asked("A text whose words are all rare", 1, EMPTY, "the cat sees the dog\n"),
        asked(
            "Settings that mean nothing to word vectors, or cannot be meant",
            2,
            "glassbox train book.txt --model word2vec --batch 8 --optimizer adam --set dimensions=9999",
            &text,
        ),
        asked("A plan of word vectors", 2, "glassbox plan book.txt --model word2vec", &text),
        of("Words that have no vector", 1, "glassbox neighbours run cta dgo"),
        of("Words without signs between them", 2, "glassbox analogy run king queen"),
        of("Questions that are none", 1, "glassbox analogy run --questions q.txt")
            .file("q.txt", ": kin\nking queen\n"),
        of("A verb for networks", 1, "glassbox predict run book.txt"),
        of("Another format", 1, "glassbox export run --format safetensors"),
        case("Word vectors of a network", 1, "glassbox neighbours run cat")
            .given("glassbox train iris --epochs 1 --quiet --out run > log.txt"),
        case("A file of no vectors", 1, "glassbox neighbours book.txt cat").file("book.txt", &text),
        of("A text that has changed since", 1, "glassbox resume run")
            .given("echo more >> book.txt"),
    ]
}

fn command_line() -> Vec<Case> {
    vec![
        case("No verb", 2, "glassbox"),
        case("An unknown verb", 2, "glassbox trian iris"),
        case("An unknown verb that is near to none", 2, "glassbox fly"),
        case("An unknown flag", 2, "glassbox train iris --epoch 3"),
        case("A flag of another verb", 2, "glassbox eval last --epochs 3"),
        case("A missing argument", 2, "glassbox predict last"),
        case("A word too many", 2, "glassbox train iris digits"),
        case("A flag without its value", 2, "glassbox train iris --lr"),
        case("A flag given twice", 2, "glassbox train iris --lr 1 --lr 2"),
        case(
            "Two flags that exclude each other",
            2,
            "glassbox explain last --param b3 --activation y1",
        ),
        case("Neither of two flags, one of which is needed", 2, "glassbox explain last"),
        case("An element that cannot be read", 2, "glassbox explain last --param 'fc2['"),
        case("A row that is no number", 2, "glassbox explain last --param b3 --row first"),
        case("An unknown language", 2, "glassbox runs --lang fr"),
        case("An unknown shell", 2, "glassbox completions fsh"),
        case("An unknown model to describe", 2, "glassbox models mpl"),
        case("Data to describe that is not there", 1, "glassbox data irsi"),
        case("A target of which there is no column", 1, "glassbox data iris --target specise"),
        case("A column to leave out that is not there", 1, "glassbox data iris --drop petals"),
        case("A setting that is none", 2, "glassbox data iris --set data.colums={}"),
        case("A target of images", 1, "glassbox data digits --target label"),
        case("Fewer than two folds", 2, "glassbox train iris --folds 1"),
        case("Folds that are no number", 2, "glassbox train iris --folds many"),
        case("More folds than rows", 1, "glassbox train dosage --folds 4"),
        case("Folds of images", 1, "glassbox train digits --folds 5"),
        case(
            "Folds and a share for the test part",
            2,
            "glassbox train iris --folds 5 --set split.test=0.2",
        ),
        case("Folds into a folder with files", 1, "glassbox train iris --folds 3 --out thesis")
            .file("thesis/chapter.txt", "precious\n"),
        case("A fold that there cannot be", 2, "glassbox train iris --set split.fold=6/5"),
        case("A single run to compare", 2, "glassbox compare last"),
        case("An error beside --json: nothing on standard output", 1, "glassbox eval last --json"),
        case("In Korean", 2, "glassbox train iris --epoch 3 --lang ko"),
    ]
}

fn settings() -> Vec<Case> {
    vec![
        case("An unknown setting", 2, "glassbox train iris --set optimiser.lr=1"),
        case("A short name of several settings", 2, "glassbox train iris --set patience=3"),
        case("A setting without a value", 2, "glassbox train iris --set lr"),
        case(
            "Several problems at once",
            2,
            "glassbox train iris --epochs 0 --set optimiser.lr=1 --lr abc --hidden 32,x --seed -1",
        ),
        case("No epochs", 2, "glassbox train iris --epochs 0"),
        case("A negative number of epochs", 2, "glassbox train iris --epochs -3"),
        case("A learning rate of zero", 2, "glassbox train iris --lr 0"),
        case("A negative learning rate", 2, "glassbox train iris --lr -0.1"),
        case("A learning rate that is no number", 2, "glassbox train iris --lr nan"),
        case("A negative layer", 2, "glassbox train iris --hidden -5"),
        case("A batch of no rows", 2, "glassbox train iris --batch 0"),
        case(
            "A model that no machine could hold",
            1,
            "glassbox train iris --hidden 9000000000000000000",
        ),
        case("A layer of no units", 2, "glassbox train iris --hidden 16,0"),
        case("A layer of too many units", 1, "glassbox train iris --hidden 4000000000"),
        case("No threads", 2, "glassbox train iris --threads 0"),
        case("A huge seed", 2, "glassbox train iris --seed 99999999999999999999"),
        case("An unknown kind of model", 2, "glassbox train iris --model mpl"),
        case("An unknown activation", 2, "glassbox train iris --activation rellu"),
        case("An unknown optimizer", 2, "glassbox train iris --optimizer adm"),
        case(
            "A setting of another optimizer",
            2,
            "glassbox train iris --optimizer adam --set momentum=0.9",
        ),
        case("An unknown schedule", 2, "glassbox train iris --schedule cosin"),
        case(
            "A loss for classes where a number is predicted",
            2,
            "glassbox train dosage --loss cross_entropy",
        ),
        case(
            "A loss for numbers where classes are predicted",
            2,
            "glassbox train iris --loss squared_error",
        ),
        case(
            "An unknown figure to stop by",
            2,
            "glassbox train iris --set stop.metric=valid_acuracy",
        ),
        case("No patience", 2, "glassbox train iris --set stop.patience=0"),
        case(
            "Parts that leave nothing to train on",
            2,
            "glassbox train iris --set split.valid=0.5 --set split.test=0.5",
        ),
        case("A part larger than the whole", 2, "glassbox train iris --set split.test=1.5"),
        case(
            "Starting values of parameters that are not there or of another shape",
            2,
            "glassbox train iris --set parameters.fc9/weight=[1] --set parameters.fc1/bias=[1]",
        ),
        case(
            "Starting values in rows of unequal length",
            2,
            "glassbox train iris --set 'parameters.fc1/weight=[[1, 2], [3]]'",
        ),
    ]
}

fn configuration_files() -> Vec<Case> {
    let train = "glassbox train run.toml";
    let of = |title, text: &str| case(title, 2, train).file("run.toml", text);
    vec![
        case("No such file", 2, train),
        of("Not TOML", "[data]\npath = \"iris\n[train\nepochs = 3\n"),
        of("Nothing in it", ""),
        of("A setting in the wrong section", "[data]\npath = \"iris\"\n[train]\nlr = 0.1\n"),
        of(
            "Misspelt settings and sections",
            "[data]\npath = \"iris\"\ntarte = \"species\"\n[trian]\nepochs = 3\n",
        ),
        of("Values of another type", "[data]\npath = 7\n[train]\nepochs = \"many\"\nbatch = 1.5\n"),
        of(
            "A preparation without its columns",
            "[data]\npath = \"iris\"\n[[data.prepare]]\nwith = \"standardise\"\n",
        ),
        case("Not text", 2, train).file("run.toml", b"[data]\npath = \"\xff\xfe\"\n"),
        case("A folder", 2, train).given("mkdir run.toml"),
        case("Problems of the file and of a flag together", 2, "glassbox train run.toml --batch 0")
            .file("run.toml", "[data]\npath = \"iris\"\n[train]\nlr = 3\n"),
        case("A file that init would overwrite", 1, "glassbox init iris")
            .file("run.toml", "mine\n"),
        case("A place that init cannot write to", 1, "glassbox init iris --out configs/run.toml"),
        case(
            "A folder as the file that init writes",
            1,
            "glassbox init iris --out configs --force",
        )
        .given("mkdir configs"),
    ]
}

fn finding_the_data() -> Vec<Case> {
    let small = "x,y\n1,a\n2,b\n3,a\n4,b\n";
    vec![
        case("A file that is not there", 1, "glassbox train flower.csv")
            .file("flowers.csv", flowers(60)),
        case("Built-in data misspelt", 1, "glassbox train irsi"),
        case("Nothing near", 1, "glassbox train nothing/at/all.csv"),
        case("A kind of file that cannot be loaded", 1, "glassbox train notes.docx")
            .file("notes.docx", "PK"),
        case("A folder instead of a file", 1, "glassbox train flowers.csv")
            .given("mkdir flowers.csv"),
        case("A folder of tables", 1, "glassbox train tables").file("tables/small.csv", small),
        case("An empty folder", 1, "glassbox train photos").given("mkdir photos"),
        case("A file that the disk cannot read", 1, "glassbox train flowers.csv")
            .given("ln -s /proc/self/mem flowers.csv"),
        case("A link that leads nowhere", 1, "glassbox train flowers.csv")
            .given("ln -s gone.csv flowers.csv"),
        case("A damaged gzip file", 1, "glassbox train flowers.csv.gz")
            .file("flowers.csv.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03not deflated at all"),
        case("A truncated gzip file", 1, "glassbox train flowers.csv.gz")
            .file("flowers.csv", flowers(60))
            .given("gzip -n flowers.csv && truncate -s 100 flowers.csv.gz"),
    ]
}

fn tables() -> Vec<Case> {
    let train = "glassbox train t.csv";
    let of = |title, text: &str| case(title, 1, train).file("t.csv", text);
    let pairs = |rows: usize| -> String {
        (0..rows).map(|row| format!("{row},{}\n", ["a", "b"][row % 2])).collect()
    };
    vec![
        of("An empty file", ""),
        of("Blank lines only", "\n\n\n"),
        of("Column names and no rows", "x,y\n"),
        of("Rows of unequal length", "x,y\n1,a\n2\n3,b,c\n4,b\n"),
        of("Two columns of one name", "x,x,y\n1,2,a\n3,4,b\n5,6,a\n7,8,b\n"),
        of("A quote that is never closed", "x,y\n1,\"a\n2,b\n3,a\n"),
        case("Not UTF-8", 1, train).file("t.csv", b"name,y\ncaf\xe9,a\ncaf\xe9,b\n"),
        case("UTF-16", 1, train).file("t.csv", b"\xff\xfex\0,\0y\0\n\0"),
        case("A picture named as a table", 1, train)
            .file("t.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01"),
        of("Text among numbers", &format!("x,y\n{}twelve,a\n12 kg,b\n", pairs(30))),
        of("Infinity", &format!("x,y\n{}inf,a\n", pairs(30))),
        of("A column of numbers said to be one that is not", "x,y\nred,a\nblue,b\nred,a\nblue,b\n")
            .asked("glassbox train t.csv --set 'data.columns={x=\"number\"}'"),
        of("A target that is not there", &flowers(60)).asked("glassbox train t.csv --target knid"),
        of("A target that is left out", &flowers(60))
            .asked("glassbox train t.csv --target kind --drop kind"),
        of("A column to leave out that is not there", &flowers(60))
            .asked("glassbox train t.csv --drop petals"),
        of("One class only", "x,y\n1,a\n2,a\n3,a\n4,a\n"),
        of("Classes of one row", "x,y\n1,a\n2,a\n3,a\n4,b\n5,c\n"),
        of("Every row without its target", "x,y\n1,\n2,\n3,\n4,NaN\n"),
        of("A number to be told that never changes", "x,y\n1,7.5\n2,7.5\n3,7.5\n4,7.5\n")
            .asked("glassbox train t.csv --target y"),
        of("Nothing but the target", "y\na\nb\na\nb\n"),
        of("No column that tells anything", "id,x,y\nr1,5,a\nr2,5,b\nr3,5,a\nr4,5,b\n"),
        of("Too few rows for every part", "x,y\n1,a\n2,b\n"),
        of("A single row", "x,y\n1,a\n"),
    ]
}

/// An IDX file: a header of these sizes and the bytes after it.
fn idx(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(bytes);
    file
}

/// An image of one pixel, 24 bits.
fn bitmap(shade: u8) -> Vec<u8> {
    let head = [58u32, 0, 54, 40, 1, 1].map(u32::to_le_bytes).concat();
    [b"BM".to_vec(), head, vec![1, 0, 24, 0], vec![0; 24], vec![shade, 0, 0, 0]].concat()
}

fn images() -> Vec<Case> {
    let labels: Vec<u8> = (0..40).map(|row| row % 2).collect();
    let (image_file, label_file) =
        ("photos/train-images-idx3-ubyte", "photos/train-labels-idx1-ubyte");
    let train = "glassbox train photos";
    let of = |title, images: &[u8], labels: &[u8]| {
        case(title, 1, train).file(image_file, images).file(label_file, labels)
    };
    let whole = idx(&[40, 4, 4], &[7; 640]);
    vec![
        of("Truncated images", &idx(&[40, 4, 4], &[7; 600]), &idx(&[40], &labels)),
        of("Truncated labels", &whole, &idx(&[40], &labels[..30])),
        of("Fewer labels than images", &whole, &idx(&[30], &labels[..30])),
        of(
            "More bytes than the header promises",
            &idx(&[40, 4, 4], &[7; 700]),
            &idx(&[40], &labels),
        ),
        of(
            "A header of sizes that no file has",
            &idx(&[u32::MAX; 3], &[7; 64]),
            &idx(&[40], &labels),
        ),
        of("A header cut off", &[0, 0, 8], &idx(&[40], &labels)),
        of("Not an IDX file", b"GIF89a and so on", &idx(&[40], &labels)),
        case("Images without classes", 1, train)
            .file("photos/1.bmp", bitmap(1))
            .file("photos/2.bmp", bitmap(2)),
        case("A folder of one class", 1, train)
            .file("photos/cat/1.bmp", bitmap(1))
            .file("photos/cat/2.bmp", bitmap(2)),
        case("A class that is spelled otherwise in the test part", 1, train)
            .file("photos/train/cat/1.bmp", bitmap(1))
            .file("photos/train/cat/2.bmp", bitmap(2))
            .file("photos/train/dogs/1.bmp", bitmap(3))
            .file("photos/train/dogs/2.bmp", bitmap(4))
            .file("photos/test/cat/1.bmp", bitmap(5))
            .file("photos/test/dog/1.bmp", bitmap(6)),
        case("Images that cannot be read, with --strict", 1, "glassbox data photos --strict")
            .file("photos/cat/1.bmp", bitmap(1))
            .file("photos/cat/2.bmp", bitmap(2))
            .file("photos/cat/3.png", "a text that is called an image\n")
            .file("photos/dog/1.bmp", bitmap(3))
            .file("photos/dog/2.bmp", bitmap(4))
            .file("photos/dog/3.bmp", &bitmap(5)[..40]),
        case("A single image to train on", 1, "glassbox train cat.bmp").file("cat.bmp", bitmap(1)),
        case("An archive cut off", 1, "glassbox train photos.zip")
            .file("photos.zip", b"PK\x03\x04"),
        of("One class only", &whole, &idx(&[40], &[3; 40])),
        case("Images without labels", 1, train).file(image_file, whole.clone()),
        case("Labels without images", 1, train).file(label_file, idx(&[40], &labels)),
        of("A truncated gzip file", &whole, &idx(&[40], &labels))
            .given("gzip -n photos/train-images-idx3-ubyte")
            .given("truncate -s 30 photos/train-images-idx3-ubyte.gz"),
        case("Changes of images for a table", 2, "glassbox train iris --augment flip"),
        case("A change that is none", 2, "glassbox train digits --augment flop"),
        case("Changes that do not go together", 2, "glassbox train digits --augment mixup,cutmix"),
        case("A sheet of what is no image", 1, "glassbox data iris --sheet seen.png"),
        of("A target column for images", &whole, &idx(&[40], &labels))
            .asked("glassbox train photos --target digit"),
    ]
}

fn training() -> Vec<Case> {
    const LONGER: &str = "sed -i 's/epochs = 1 /epochs = 2 /' run/run.toml";
    vec![
        case(
            "A loss that is no number, before any epoch is over",
            1,
            "glassbox train iris --lr 1e30 --quiet --out run",
        )
        .makes_files(),
        case(
            "A loss that is no number: the last good checkpoint is kept",
            1,
            "glassbox train line.csv --target y --hidden [] --lr 5 --schedule constant \
             --optimizer gradient_descent --set stop=false --quiet --out run",
        )
        .file("line.csv", line(100))
        .makes_files(),
        case("A folder with other files", 1, "glassbox train iris --out thesis")
            .file("thesis/chapter.txt", "precious\n"),
        case("A folder with a run", 1, "glassbox train iris --out run")
            .given("glassbox train iris --epochs 1 --quiet --out run > log.txt"),
        case("A file in place of the folder", 1, "glassbox train iris --out notes")
            .file("notes", "mine\n"),
        case("A disk that is full when the result is printed", 1, "glassbox models > /dev/full"),
        // The shell's limit on the size of files stands for a full disk: writing fails half-way.
        case(
            "A disk that is full when a checkpoint is saved",
            1,
            "trap '' XFSZ; ulimit -f 100; glassbox train digits --epochs 1 --quiet --out run",
        )
        .makes_files(),
        case(
            "A disk that is full when a later checkpoint is saved",
            1,
            "trap '' XFSZ; ulimit -f 100; glassbox resume run --quiet",
        )
        .given("glassbox train digits --epochs 1 --quiet --out run > log.txt")
        .given(LONGER),
        case("After that the run can be used as before", 0, "glassbox eval run > /dev/null")
            .given("glassbox train digits --epochs 1 --quiet --out run > log.txt")
            .given(LONGER)
            .given("! sh -c \"trap '' XFSZ; ulimit -f 100; glassbox resume run\" > log.txt 2>&1"),
        case("And goes on when there is room again", 0, "glassbox resume run > /dev/null")
            .given("glassbox train digits --epochs 1 --quiet --out run > log.txt")
            .given(LONGER)
            .given("! sh -c \"trap '' XFSZ; ulimit -f 100; glassbox resume run\" > log.txt 2>&1")
            .makes_files(),
    ]
}

/// Rows of a straight line: `x,y`.
fn line(rows: usize) -> String {
    let row = |row: usize| format!("{},{}\n", row as f64 / 10.0, 3 * row);
    format!("x,y\n{}", (0..rows).map(row).collect::<String>())
}

fn runs() -> Vec<Case> {
    const TRAINED: &str = "glassbox train iris --epochs 1 --hidden 5 --quiet --out run > log.txt";
    const BY_NAME: &str = "glassbox train iris --epochs 1 --quiet --out runs/first-try > log.txt";
    let trained = |title, code, line| case(title, code, line).given(TRAINED);
    let other = "glassbox train iris --epochs 1 --hidden 6,4 --quiet --out other > log.txt";
    let exchange = "rm -r run/checkpoints && mv other/checkpoints run/";
    let of_flowers = "glassbox train flowers.csv --epochs 1 --quiet --out run > log.txt";
    vec![
        case("No run yet", 1, "glassbox eval last"),
        case("A run that is not there", 1, "glassbox summary frist-try").given(BY_NAME),
        case("The folder of a cross-validation where a run is meant", 1, "glassbox eval cv")
            .given("glassbox train iris --folds 2 --epochs 1 --quiet --out cv > log.txt"),
        case("A folder that is no run", 1, "glassbox resume thesis")
            .file("thesis/chapter.txt", "precious\n"),
        trained("A time that is none", 2, "glassbox profile run --seconds long"),
        case("A file that is no run", 1, "glassbox inspect flowers.csv")
            .file("flowers.csv", flowers(60)),
        trained("A checkpoint of another model", 1, "glassbox eval run").given(other).given(exchange),
        trained("Resuming from a checkpoint of another model", 1, "glassbox resume run --quiet")
            .given(other)
            .given(exchange),
        trained("No checkpoint", 1, "glassbox eval run").given("rm -r run/checkpoints"),
        trained("No checkpoint to inspect", 1, "glassbox inspect run").given("rm -r run/checkpoints"),
        trained("A checkpoint whose bytes changed", 1, "glassbox inspect run")
            .given("printf X | dd of=run/checkpoints/step-4/model.safetensors bs=1 seek=300 conv=notrunc status=none"),
        trained("A truncated checkpoint", 1, "glassbox resume run --quiet")
            .given("truncate -s 100 run/checkpoints/step-4/model.safetensors"),
        trained("A checkpoint without its state", 1, "glassbox summary run")
            .given("rm run/checkpoints/step-4/state.json"),
        trained("A save that was killed half-way: it is cleared away and training goes on", 0,
            "glassbox resume run > /dev/null && test ! -e run/checkpoints/.tmp-step-8-1-0")
            .given("mkdir run/checkpoints/.tmp-step-8-1-0")
            .given("head -c 50 run/checkpoints/step-4/model.safetensors > run/checkpoints/.tmp-step-8-1-0/model.safetensors")
            .given("printf '{\"epoch\":2,\"st' >> run/metrics.jsonl")
            .makes_files(),
        case("Data that changed since", 1, "glassbox eval run")
            .file("flowers.csv", flowers(60))
            .given(of_flowers)
            .given("echo '1.5,4.5,rose' >> flowers.csv"),
        case("Data that is gone", 1, "glassbox resume run --quiet")
            .file("flowers.csv", flowers(60))
            .given(of_flowers)
            .given("rm flowers.csv"),
        trained("A damaged record of the data", 1, "glassbox predict run t.csv")
            .file("t.csv", "x\n1\n")
            .given("echo '{' > run/data.json"),
        trained("A damaged graph", 1, "glassbox eval run").given("echo '[]' > run/graph/infer.json"),
        trained("A damaged configuration", 1, "glassbox summary run")
            .given("echo '[train' > run/run.toml"),
        trained("A damaged configuration, explained", 1, "glassbox explain run --param 'fc1/bias[0]'")
            .given("sed -i 's/^epochs = 1 /epochs = -1 /' run/run.toml"),
        trained("The best checkpoint is damaged: the last one is used, with a warning", 0,
            "glassbox predict run t.csv > /dev/null")
            .file("t.csv", "sepal_length,sepal_width,petal_length,petal_width\n5,3,1,0.2\n")
            .given("sed -i 's/epochs = 1 /epochs = 2 /' run/run.toml && glassbox resume run --quiet > log.txt")
            .given("echo step-4 > run/checkpoints/best")
            .given("truncate -s 100 run/checkpoints/step-4/model.safetensors"),
        trained("Data that is gone when weights are looked at: shown without gradients", 0,
            "glassbox inspect run > /dev/null")
            .given("sed -i 's/path = \"iris\"/path = \"gone.csv\"/' run/run.toml"),
        trained("A damaged log", 1, "glassbox compare run run")
            .given("echo 'nonsense' > run/metrics.jsonl"),
        trained("A damaged pointer to the last run", 1, "glassbox summary last")
            .given("rm -r run && echo nowhere > runs/last"),
        trained("Runs of other data side by side: compared with a warning", 0,
            "glassbox compare run digits > /dev/null")
            .given("glassbox train digits --epochs 1 --hidden 4 --quiet --out digits > log.txt"),
        trained("A layer that is not there", 1, "glassbox inspect run --layer fcl"),
        trained("A step of which there is no checkpoint", 1, "glassbox inspect run --step 3"),
    ]
}

fn using() -> Vec<Case> {
    const TRAINED: &str =
        "glassbox train flowers.csv --epochs 1 --target kind --quiet --out run > log.txt";
    const DIGITS: &str = "glassbox train digits --epochs 1 --hidden 4 --quiet --out run > log.txt";
    let of = |title, code, line, text: &str| {
        case(title, code, line)
            .file("flowers.csv", flowers(60))
            .given(TRAINED)
            .file("new.csv", text)
    };
    let predict = "glassbox predict run new.csv";
    vec![
        of("Columns that are missing", 1, predict, "sepals,color\n1,red\n"),
        of("Text where a number should be", 1, predict, "sepal,petal\n1,wide\nshort,2\n"),
        of("No rows", 1, predict, "sepal,petal\n"),
        of("A file that is not there", 1, "glassbox predict run now.csv", "sepal,petal\n1,2\n"),
        of(
            "Missing values: filled in, with a warning",
            0,
            "glassbox predict run new.csv > /dev/null",
            "sepal,petal\n,5\n1,\n",
        ),
        of(
            "The predictions over the file to predict",
            2,
            "glassbox predict run new.csv --out-file new.csv",
            "sepal,petal\n1,2\n",
        ),
        of(
            "A folder that is not there",
            1,
            "glassbox predict run new.csv --out-file results/new.csv",
            "sepal,petal\n1,2\n",
        ),
        case("A table where the model reads images", 1, predict)
            .file("new.csv", "a,b\n1,2\n")
            .given(DIGITS),
        case("Images of another size", 1, "glassbox predict run photos-idx3-ubyte")
            .file("photos-idx3-ubyte", idx(&[2, 4, 4], &[7; 32]))
            .given(DIGITS),
        explain("A parameter that is not there", "--param fc9/bias[0]"),
        explain("An index beyond the end", "--param 'fc1/weight[2, 99]'"),
        explain("Too few indices", "--param 'fc1/weight[2]'"),
        explain("A row beyond the batch", "--param 'fc2/bias[0]' --row 99999"),
        explain("A step that was never taken", "--param 'fc2/bias[0]' --step 99999"),
        explain("An activation that is not there", "--activation 'fc1/rellu[0]'"),
    ]
}

fn texts() -> Vec<Case> {
    const TABLE: &str =
        "review,label\nI liked it,good\nI hated it,bad\nI loved it,good\nI loathed it,bad\n";
    const T5: &str = r#"{"model_type": "t5", "vocab_size": 100}"#;
    const BERT: &str = r#"{"model_type": "bert", "vocab_size": 100, "hidden_act": "rellu"}"#;
    let labelled = |title, code, line| case(title, code, line).file("reviews.csv", TABLE);
    let folder = |title, line| case(title, 1, line).file("bert/weights.bin", "");
    vec![
        labelled(
            "A column of texts that is not there",
            1,
            "glassbox train reviews.csv --text revew --target label",
        ),
        labelled(
            "The text as its own class",
            1,
            "glassbox train reviews.csv --text label --target label",
        ),
        case("Lists of words and tags that do not fit", 1, "glassbox train ner.jsonl").file(
            "ner.jsonl",
            r#"{"tokens": ["in", "Rome"], "tags": ["O", "B-LOC"]}
{"tokens": ["in", "Rome"], "tags": ["O"]}
{"tokens": [], "tags": []}
{"tokens": "in Rome", "tags": ["O", "B-LOC"]}
{"tokens": ["in", ""], "tags": ["O", "B-LOC"]}
"#,
        ),
        case("A word without a tag", 1, "glassbox train ner.conll")
            .file("ner.conll", "in O\nRome\n\nat O\nhome O\n"),
        case("One tag only", 1, "glassbox train ner.conll").file("ner.conll", "in O\nRome O\n"),
        case("Tags that training never saw", 1, "glassbox eval run new.conll")
            .file("new.conll", "in O\nRome B-CITY\n")
            .given("glassbox train entities --model gru --epochs 1 --set units=4 --quiet --out run > log.txt"),
        case("A model that tells no tags", 2, "glassbox train entities --model gpt"),
        folder("A folder that holds neither a run nor a model", "glassbox predict bert '[MASK]'"),
        folder("Weights from such a folder", "glassbox train sentences --weights bert --out run"),
        case("A published model of an unknown type", 1, "glassbox generate t5 --prompt hello")
            .file("t5/config.json", T5),
        case("Settings of a published model that are not known", 1, "glassbox summary bert")
            .file("bert/config.json", BERT),
        case(
            "A run that began with no published model",
            1,
            "glassbox export run --format huggingface",
        )
        .given("glassbox train iris --epochs 1 --hidden 5 --quiet --out run > log.txt"),
    ]
}

fn explain(title: &'static str, flags: &str) -> Case {
    let line: &'static str = format!("glassbox explain run {flags}").leak();
    case(title, 1, line)
        .given("glassbox train iris --epochs 1 --hidden 5 --quiet --out run > log.txt")
}
